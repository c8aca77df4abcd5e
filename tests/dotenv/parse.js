// Reads a JSON array of texts on standard input and prints how the npm package reads each: an array of [key, value] pairs.
const path = require("node:path");
const dotenv = require(require.resolve("dotenv", { paths: [path.resolve(process.argv[2])] }));

const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => Object.entries(dotenv.parse(text)))));
