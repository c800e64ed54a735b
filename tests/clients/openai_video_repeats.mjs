// npm's `openai`: one create, which it repeats by itself when it gets no answer.
import { createRequire } from "node:module";

const OpenAI = createRequire(`${process.env.CLIENTS}/node_modules/`)("openai");
const client = new OpenAI({
  baseURL: `${process.env.URL}/v1`,
  apiKey: process.env.KEY,
});
const video = await client.videos.create({
  model: process.env.MODEL,
  prompt: process.env.PROMPT,
  seconds: "2",
  size: "480p",
});
console.log(video.id);
