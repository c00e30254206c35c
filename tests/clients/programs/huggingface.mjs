// Calls of @huggingface/inference, one after another, each told as what it returned or threw.
//
// Arguments: the endpoint; a JSON list of calls {method, args, options}. A {"base64", "type"?} in args becomes a Blob.
import * as inference from "@huggingface/inference";

const [endpointUrl, calls] = process.argv.slice(2);
const client = new inference.InferenceClient("any", { endpointUrl });

const revived = (name, value) =>
  value?.base64 ? new Blob([Buffer.from(value.base64, "base64")], { type: value.type ?? "" }) : value;

const told = (error) => ({
  type: Object.keys(inference).find((name) => error.constructor === inference[name]) ?? error.constructor.name,
  message: error.message,
  status: error.httpResponse?.status,
  body: error.httpResponse?.body,
  requestId: error.httpResponse?.requestId,
});

const results = [];
for (const { method, args, options } of JSON.parse(calls, revived)) {
  try {
    results.push({ returned: await client[method](args, options) });
  } catch (error) {
    results.push({ thrown: told(error) });
  }
}
console.log(JSON.stringify(results));
