// Files that are dropped on the page or pasted.

/** `take(file, {onDisk})` is called with one that is brought while `stage`, where it is to be dropped, is shown. */
export function onFile(stage, take) {
  const shown = () => stage.checkVisibility();
  const bringsFile = ({ dataTransfer }) => dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!bringsFile(event)) return;
    event.preventDefault(); // a missed drop must not replace the page by the file
    stage.classList.toggle("dropping", shown());
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) stage.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!bringsFile(event)) return;
    event.preventDefault();
    stage.classList.remove("dropping");
    const file = event.dataTransfer.files[0];
    if (shown() && file) take(file, { onDisk: true });
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData.files[0];
    if (shown() && file) take(file, { onDisk: false });
  });
}
