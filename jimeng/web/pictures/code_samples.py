"""Code samples that request an output again: curl, Python, JavaScript."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from jimeng import tasks
from jimeng.gallery.picture_details import PictureRecord
from jimeng.providers import VideoParameters
from jimeng.schemas.videos import as_request

KEY = "JIMENG_API_KEY"  # the environment variable that the programs read
ROUTE = "/api/v1/ai/image/task"  # of pictures; that of videos is alike

CURL = """\
server={server}
result=$(curl -fsS -D - -o /dev/null "$server{route}" \\
{auth}  -H 'Content-Type: application/json' \\
  -d {body} | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
if [ -n "$result" ]; then
  until task=$(curl -fsS {short_auth}"$server$result") &&
    printf %s "$task" | grep -Eq '"status": ?"(completed|failed|cancelled)"'
  do sleep 2; done
  url=$(printf %s "$task" | grep -Eo '"{makes}_url": ?"[^"]+' | head -n 1)
  url=$(printf %s "$url" | cut -d '"' -f 4)
  if [ -n "$url" ]; then
    curl -fsSO "$url" && echo "${{url##*/}}"
  else
    printf %s "$task"
  fi
fi
"""

PYTHON = """\
{imports}import time

import requests

server = {server}
session = requests.Session()
{auth}answer = session.post(
    server + "{route}",
    json={body},
    timeout=30,
)
answer.raise_for_status()
link = answer.json()["data"]["links"]["result"]

while True:
    task = session.get(link, timeout=30).json()["data"]
    if task["status"] not in ("pending", "processing"):
        break
    time.sleep(2)

if task["status"] != "completed":
    raise SystemExit(task["message"])
for url in task["result"]["{makes}_urls"]:
    name = url.rpartition("/")[2]
    with open(name, "wb") as file:
        file.write(requests.get(url, timeout=60).content)
    print(name)
"""

JAVASCRIPT = """\
(async () => {{
  const {{ writeFile }} = await import("node:fs/promises");
  const server = {server};
  const headers = {{
    "Content-Type": "application/json",
{auth}  }};
  const answer = await fetch(server + "{route}", {{
    method: "POST",
    headers,
    body: JSON.stringify({body}),
  }});
  if (!answer.ok) throw new Error(await answer.text());
  const {{ data }} = await answer.json();

  let task;
  for (;;) {{
    task = (await (await fetch(data.links.result, {{ headers }})).json()).data;
    if (!["pending", "processing"].includes(task.status)) break;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }}
  if (task.status !== "completed") throw new Error(task.message);
  for (const url of task.result.{makes}_urls) {{
    const name = url.split("/").at(-1);
    const content = await (await fetch(url)).arrayBuffer();
    await writeFile(name, new Uint8Array(content));
    console.log(name);
  }}
}})();
"""


@dataclass(frozen=True)
class CodeSample:
    """
    Attributes:
        id: An identifier for the page's markup.
        name: The name of the language.
        text: The source code.
    """

    id: str
    name: str
    text: str


def code_samples(
    record: PictureRecord, server: str, *, with_key: bool
) -> list[CodeSample]:
    """
    Programs that request this output again, with the same prompt and settings, and save
    it in the current directory.

    Args:
        server: The address of this server.
        with_key: Whether requests need a key, read from the environment variable `KEY`.
    """
    body, makes = request_of(record), "video" if record.image.is_video else "image"
    return [
        CodeSample("curl", "curl", curl(body, makes, server, with_key)),
        CodeSample("python", "Python", python(body, makes, server, with_key)),
        CodeSample(
            "javascript", "JavaScript", javascript(body, makes, server, with_key)
        ),
    ]


def request_of(record: PictureRecord) -> dict[str, object]:
    """The body of a request for this output alone."""
    task, image = record.task, record.image
    wording = tasks.original_wording(task)
    body: dict[str, object] = {"user_id": task.user_id, "model": task.model}
    body["prompt"] = wording.prompt
    if wording.style:
        body["style"] = wording.style
    if image.is_video:
        body |= as_request(VideoParameters.read(task.video or {}))
    else:
        body["size"] = f"{task.width}x{task.height}"
    if image.seed is not None:
        body["seed"] = image.seed
    return body


def curl(body: dict, makes: str, server: str, with_key: bool) -> str:
    header = f'-H "Authorization: Bearer ${KEY}" '
    return CURL.format(
        server=shell(server),
        route=route_of(makes),
        makes=makes,
        auth=f"  {header}\\\n" if with_key else "",
        short_auth=header if with_key else "",
        body=shell(literal(body, "  ", json_string, json.dumps)),
    )


def python(body: dict, makes: str, server: str, with_key: bool) -> str:
    header = f'"Bearer " + os.environ["{KEY}"]'
    return PYTHON.format(
        imports="import os\n" if with_key else "",
        server=python_string(server),
        route=route_of(makes),
        makes=makes,
        auth=f'session.headers["Authorization"] = {header}\n' if with_key else "",
        body=literal(body, "    ", python_string, repr),
    )


def javascript(body: dict, makes: str, server: str, with_key: bool) -> str:
    header = f'    Authorization: "Bearer " + process.env.{KEY},\n'
    return JAVASCRIPT.format(
        server=json_string(server),
        route=route_of(makes),
        makes=makes,
        auth=header if with_key else "",
        body=literal(body, "    ", json_string, json.dumps),
    )


def route_of(makes: str) -> str:
    return ROUTE.replace("image", makes)


def literal(
    body: dict,
    indent: str,
    quoted: Callable[[str], str],
    plain: Callable[[object], str],
) -> str:
    """
    The body on several lines, in the notation of a language.

    Args:
        quoted: Writes a text.
        plain: Writes anything else.
    """
    lines = [
        f"{indent}  {quoted(name)}: {quoted(v) if isinstance(v, str) else plain(v)}"
        for name, v in body.items()
    ]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def json_string(text: str) -> str:
    """A string literal of JSON and JavaScript without invisible characters."""
    return visible(text, lambda char: json.dumps(char)[1:-1])


def python_string(text: str) -> str:
    """A string literal of Python without invisible characters."""
    return visible(text, lambda char: f"\\U{ord(char):08x}")


def visible(text: str, escape) -> str:
    """
    Quote a string and escape invisible characters: marks that change the direction of
    text could display another program than the one that runs.

    Source: https://trojansource.codes/
    """
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else escape(c) for c in quoted)


def shell(text: str) -> str:
    """Quote one word for a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"
