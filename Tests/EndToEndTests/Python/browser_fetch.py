"""Opens a page in a real browser and lets it call gRPC-Web by fetch.

Reads a JSON object on standard input: chromium (the program), and calls, each with url, type
(content-type), body (base64 of the request body as it travels), and metadata. Serves the page from a
port of its own, so that every call comes from another origin unless it goes through the same one.
Writes a line of JSON for each call: status, headers, body (base64), or error.
"""

import base64
import http.server
import json
import sys
import threading

from playwright.sync_api import sync_playwright

# Of a browser on a busy machine.
TIMEOUT_MILLISECONDS = 120_000

FETCH = """
async ([url, type, body, metadata]) => {
    const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
    try {
        const response = await fetch(url, {
            method: "POST",
            headers: {"content-type": type, "x-grpc-web": "1", ...metadata},
            body: bytes,
        });
        const answer = new Uint8Array(await response.arrayBuffer());
        let text = "";
        for (const byte of answer) text += String.fromCharCode(byte);
        return {
            status: response.status,
            headers: Object.fromEntries(response.headers.entries()),
            body: btoa(text),
        };
    } catch (error) {
        return {error: String(error)};
    }
}
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Berth</title>")

    def log_message(self, *arguments):
        pass


def main():
    wish = json.load(sys.stdin)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", wish.get("port", 0)), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=wish["chromium"], args=["--no-sandbox"], timeout=TIMEOUT_MILLISECONDS
        )
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(TIMEOUT_MILLISECONDS)
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        for call in wish["calls"]:
            answer = page.evaluate(
                FETCH, [call["url"], call["type"], call["body"], call["metadata"]]
            )
            print(json.dumps(answer), flush=True)
        browser.close()


main()
