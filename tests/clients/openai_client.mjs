// npm's `openai`, unchanged: pictures as bytes and links, an edit, a stream, errors, models.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const OpenAI = createRequire(`${process.env.CLIENTS}/node_modules/`)("openai");
const client = new OpenAI({
  baseURL: `${process.env.URL}/v1`,
  apiKey: process.env.KEY,
});

const models = await client.models.list();
assert.ok(models.data.some((each) => each.id === "doubao-seedream-3.0-t2i"));

const bytes = await client.images.generate({
  model: "gpt-image-1",
  prompt: "cat in node",
  size: "1024x1024",
  seed: 7,
});
const png = Buffer.from(bytes.data[0].b64_json, "base64");
assert.equal(png.toString("latin1", 1, 4), "PNG");
assert.equal(bytes.size, "1024x1024");
assert.equal(bytes.data[0].seed, 7);

const links = await client.images.generate({
  model: "dall-e-3",
  prompt: "cats in node",
  n: 2,
  size: "512x512",
});
assert.equal(links.data.length, 2);
assert.equal((await fetch(links.data[0].url)).status, 200);

const kinds = [];
const stream = await client.images.generate({
  model: "gpt-image-1",
  prompt: "stream in node",
  size: "512x512",
  stream: true,
  partial_images: 1,
});
for await (const event of stream) {
  kinds.push(event.type);
  assert.ok(event.b64_json.length > 1000);
}
assert.deepEqual(kinds, ["image_generation.completed"]);

const edited = await client.images.edit({
  model: "gpt-image-1",
  image: await OpenAI.toFile(Buffer.from(process.env.PICTURE, "hex"), "a.png", {
    type: "image/png",
  }),
  prompt: "a hat in node",
  n: 1,
});
assert.ok(edited.data[0].b64_json.length > 1000);

await assert.rejects(
  client.images.generate({ model: "gpt-image-1", prompt: "x", size: "9000x9000" }),
  (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, "invalid_size");
    assert.equal(error.param, "size");
    assert.ok(error.requestID);
    return true;
  },
);
console.log("done");
