// A small agent: takes its key from the environment and calls a model's API with it.
const http = require("node:http");

const request = http.request(
  process.env.MODEL_URL,
  { method: "POST", headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}` } },
  (response) => {
    let answer = "";
    response.on("data", (chunk) => (answer += chunk));
    response.on("end", () => console.log(`the model says: ${answer}`));
  },
);
request.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
request.end(JSON.stringify({ prompt: "hello" }));
