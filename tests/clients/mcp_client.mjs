// npm's two MCP clients, unchanged: a picture in one call, by each way to connect.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const from = createRequire(`${process.env.CLIENTS}/node_modules/`);
const older = {
  ...from("@modelcontextprotocol/sdk/client/index.js"),
  ...from("@modelcontextprotocol/sdk/client/streamableHttp.js"),
};
const newer = from("@modelcontextprotocol/client");

async function draw({ Client, StreamableHTTPClientTransport }, name, options) {
  const transport = new StreamableHTTPClientTransport(
    new URL(`${process.env.URL}/mcp`),
    { requestInit: { headers: { Authorization: `Bearer ${process.env.KEY}` } } },
  );
  const client = new Client({ name, version: "1" }, options);
  await client.connect(transport);
  const { tools } = await client.listTools();
  assert.ok(tools.some((tool) => tool.name === "generate_image"));
  const result = await client.callTool({
    name: "generate_image",
    arguments: { prompt: `猫 ${name}` },
  });
  assert.ok(!result.isError, JSON.stringify(result));
  assert.equal(result.structuredContent.status, "completed");
  assert.deepEqual(
    result.content.map((part) => part.type),
    ["text", "image", "resource_link"],
  );
  const wrong = await client.callTool({
    name: "generate_image",
    arguments: { prompt: "" },
  });
  assert.ok(wrong.isError);
  const version = client.getNegotiatedProtocolVersion?.();
  await client.close();
  return version;
}

await draw(older, "sdk", {});
const versions = [
  await draw(newer, "legacy", {}),
  await draw(newer, "auto", { versionNegotiation: { mode: "auto" } }),
  await draw(newer, "pinned", { versionNegotiation: { mode: { pin: "2026-07-28" } } }),
];
assert.deepEqual(versions, ["2025-11-25", "2026-07-28", "2026-07-28"]);
console.log("done");
