// npm's `openai`, unchanged: a video created, polled, downloaded, listed and deleted.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const OpenAI = createRequire(`${process.env.CLIENTS}/node_modules/`)("openai");
const client = new OpenAI({
  baseURL: `${process.env.URL}/v1`,
  apiKey: process.env.KEY,
});

const finished = async (video) => {
  while (!["completed", "failed"].includes(video.status)) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    video = await client.videos.retrieve(video.id);
  }
  return video;
};
const bytes = async (id, query) => {
  const answer = await client.videos.downloadContent(id, query);
  return Buffer.from(await answer.arrayBuffer());
};

const created = await client.videos.create({
  model: process.env.MODEL,
  prompt: process.env.PROMPT,
  seconds: "2",
  size: "864x480",
  input_reference: await OpenAI.toFile(Buffer.from(process.env.PICTURE, "hex"), "a.png", {
    type: "image/png",
  }),
});
assert.equal(created.object, "video");
assert.equal(created.seconds, "2");
const { data, response } = await client.videos.retrieve(created.id).withResponse();
assert.equal(data.id, created.id);
assert.ok(response.headers.get("openai-poll-after-ms") || data.status === "completed");

const video = await finished(created);
assert.equal(video.status, "completed", JSON.stringify(video.error));
assert.equal(video.progress, 100);
const mp4 = await bytes(video.id);
assert.equal(mp4.toString("latin1", 4, 8), "ftyp");
const thumbnail = await bytes(video.id, { variant: "thumbnail" });
assert.equal(thumbnail.toString("latin1", 8, 12), "WEBP");

// A second one, so that the list has two pages of one.
const other = await finished(
  await client.videos.create({
    model: process.env.MODEL,
    prompt: "another in node",
    seconds: "2",
    size: "480p",
  }),
);
const listed = [];
for await (const each of client.videos.list({ limit: 1 })) {
  listed.push(each.id);
}
assert.deepEqual(listed.slice(0, 2), [other.id, video.id]);

assert.equal((await client.videos.delete(other.id)).deleted, true);
await assert.rejects(client.videos.retrieve(other.id), OpenAI.NotFoundError);
await assert.rejects(
  client.videos.create({ model: process.env.MODEL, prompt: "too long", seconds: "13" }),
  (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "seconds");
    return true;
  },
);
await assert.rejects(
  client.videos.remix(video.id, { prompt: "once more" }),
  OpenAI.NotFoundError,
);
console.log("done");
