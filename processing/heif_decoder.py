"""One picture in HEIC to its pixels, as a program of its own: a crash of its libraries, and their memory, end with it.

Called by `processing.heif` with the folders of its packages, a limit of pixels, of seconds and of bytes of memory. The
file comes in by the standard input; out go a line with mode, width and height, and the pixels. A refusal is a line of
the standard error.
"""

import sys
from io import BytesIO

UNREADABLE, TOO_LARGE, NOT_STARTED = 3, 4, 5  # exit statuses


def main(packages: list[str], max_pixels: int, max_seconds: int, max_bytes: int) -> int:
    try:
        limit(max_seconds, max_bytes)
        sys.path.extend(packages)
        import pi_heif
    except Exception as exc:
        return _refuse(NOT_STARTED, repr(exc))
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = pi_heif.options.THUMBNAILS = False
    try:
        picture = pi_heif.open_heif(BytesIO(sys.stdin.buffer.read()), convert_hdr_to_8bit=True)
        if not len(picture):
            return _refuse(UNREADABLE, "there is no picture in it")
        width, height = picture.size
        if width * height > max_pixels:
            return _refuse(TOO_LARGE, f"the picture has {width}×{height} pixels; at most {max_pixels} are accepted")
        data = picture.data  # its size may become another one
        if picture.size[0] * picture.size[1] > max_pixels:
            return _refuse(TOO_LARGE, f"the picture has more than {max_pixels} pixels; no more are accepted")
    except ImportError as exc:  # of its libraries, which it looks for now
        return _refuse(NOT_STARTED, repr(exc))
    except Exception as exc:  # libheif's bindings raise half a dozen types on hostile bytes
        return _refuse(UNREADABLE, str(exc))
    width, height = picture.size
    sys.stdout.buffer.write(f"{picture.mode} {width} {height}\n".encode())
    sys.stdout.buffer.write(data)
    return 0


def limit(max_seconds: int, max_bytes: int) -> None:
    """Of this process: its work, its memory, and that it writes no file."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (max_seconds, max_seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _refuse(status: int, reason: str) -> int:
    sys.stderr.buffer.write(reason.encode(errors="replace"))
    return status


if __name__ == "__main__":
    *folders, pixels, seconds, memory = sys.argv[1:]
    sys.exit(main(folders, int(pixels), int(seconds), int(memory)))
