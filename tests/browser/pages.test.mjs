// The public pages in a real browser, with JavaScript switched off as for any reader, and with axe looking at them.
//
// Expects the front at HANDSLAG_WEB_URL (by default where `cargo dev up` puts it) with its example data, and Chromium
// at HANDSLAG_CHROMIUM. axe is itself a script: it runs in a context of its own, on the same page.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const base = (process.env.HANDSLAG_WEB_URL ?? "http://127.0.0.1:7400").replace(/\/$/, "");
const executablePath = process.env.HANDSLAG_CHROMIUM ?? "/usr/bin/chromium";
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const pages = ["/", "/overenskommelsen", "/organisationer", "/ataganden", "/handlingsplan", "/uppfoljning",
  "/stadsdelar", "/rapporter", "/om", "/tillganglighet", "/driftlage", "/en"];

let browser;
let plain; // as a reader without JavaScript
let scripted; // only so that axe can run; the pages have no script to run

before(async () => {
  browser = await chromium.launch({ executablePath, args });
  plain = await browser.newContext({ javaScriptEnabled: false, locale: "sv-SE", acceptDownloads: true });
  scripted = await browser.newContext({ bypassCSP: true, locale: "sv-SE" });
});

after(async () => {
  await browser?.close();
});

async function open(context, path) {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const response = await page.goto(new URL(path, base).href);
  return { page, response };
}

async function findings(path, width = 1280) {
  const { page } = await open(scripted, path);
  try {
    await page.setViewportSize({ width, height: 900 });
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(beyond <= 0, `${path} reaches ${beyond} pixels beyond a screen of ${width}`);
    await page.addScriptTag({ content: await readFile(axePath, "utf8") });
    const result = await page.evaluate((values) => axe.run(document, { runOnly: { type: "tag", values } }), rules);
    return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
  } finally {
    await page.close();
  }
}

async function looksRight(path) {
  const { page, response } = await open(plain, path);
  try {
    assert.equal(response.status(), 200, path);
    assert.match(response.headers()["content-security-policy"], /default-src 'none'/);
    assert.equal(await page.locator("h1").count(), 1, "one first heading");
    assert.equal(await page.locator("script").count(), 0, "no script");
    assert.equal(await page.locator("main").count(), 1);
    assert.match(await page.title(), /Handslag/);
    assert.equal(await page.locator("html").getAttribute("lang"), path === "/en" ? "en" : "sv");
  } finally {
    await page.close();
  }
}

// The first link inside <main> that leads below a path.
async function firstBelow(path, under) {
  const { page } = await open(plain, path);
  try {
    const links = page.locator(`main a[href^="${under}/"]`);
    return (await links.count()) > 0 ? await links.first().getAttribute("href") : undefined;
  } finally {
    await page.close();
  }
}

describe("every page", () => {
  for (const path of pages) {
    test(`${path} answers and needs no script`, () => looksRight(path));
    test(`${path} fits wide and narrow and has no finding of axe`, async () => {
      assert.deepEqual(await findings(path), []);
      assert.deepEqual(await findings(path, 400), []);
    });
  }

  for (const [path, under] of [["/organisationer?q=exempel", "/organisationer"], ["/ataganden", "/ataganden"]]) {
    test(`a page below ${under} has no finding of axe`, async () => {
      const below = await firstBelow(path, under);
      assert.ok(below, `${path} leads to something`);
      await looksRight(below);
      assert.deepEqual(await findings(below), []);
    });
  }

  test("a page that is not there says so in Swedish and has no finding of axe", async () => {
    const { page, response } = await open(plain, "/finns-inte");
    assert.equal(response.status(), 404);
    assert.equal(await page.locator("h1").textContent(), "Sidan finns inte");
    await page.close();
    assert.deepEqual(await findings("/finns-inte"), []);
  });
});

test("the first key leads past the menu to the content", async () => {
  const { page } = await open(plain, "/");
  await page.keyboard.press("Tab");
  const skip = page.locator(".skip");
  assert.equal(await skip.textContent(), "Hoppa till innehållet");
  const box = await skip.boundingBox();
  assert.ok(box.y >= 0, "it shows when it has the focus");
  await page.keyboard.press("Enter");
  await page.waitForURL(/#innehall$/);
  await page.close();
});

test("a search finds an example organisation and marks it as one", async () => {
  const { page } = await open(plain, "/organisationer");
  await page.getByLabel("Namn eller organisationsnummer").fill("Exempelföreningen");
  await page.getByRole("button", { name: "Sök" }).click();
  await page.waitForURL(/q=Exempelf/);
  const rows = page.locator("tbody tr");
  assert.ok((await rows.count()) > 0, "something is found");
  assert.match(await rows.first().textContent(), /Exempelföreningen.*Exempel/s);
  await rows.first().getByRole("link").click();
  assert.match(await page.locator("main").textContent(), /oavsett om den är ansluten eller inte/);
  await page.close();
});

test("the pages of the register walk to the end, each organisation once, and back to the first", async () => {
  const { page } = await open(plain, "/organisationer?q=exempel");
  const total = Number((await page.locator("#traffar").textContent()).replace(/\D/g, ""));
  const seen = new Set();
  for (let turn = 0; turn < 100; turn += 1) {
    for (const link of await page.locator("tbody th a").all()) {
      seen.add(await link.getAttribute("href"));
    }
    const next = page.getByRole("link", { name: "Nästa sida" });
    if ((await next.count()) === 0) break;
    await next.click();
    await page.waitForLoadState();
  }
  assert.equal(seen.size, total);
  if (total > 25) {
    await page.getByRole("link", { name: "Till första sidan" }).click();
    await page.waitForLoadState();
    assert.equal(await page.getByRole("link", { name: "Till första sidan" }).count(), 0);
  }
  await page.close();
});

test("a search for nothing says what to do", async () => {
  const { page, response } = await open(plain, "/organisationer?q=finns-verkligen-inte");
  assert.equal(response.status(), 200);
  assert.match(await page.locator("main").textContent(), /Ingen organisation stämmer/);
  await page.close();
});

for (const [format, media, start] of [["PDF", "application/pdf", "%PDF-"], ["HTML", "text/html", "<!DOCTYPE"]]) {
  test(`a report is ordered once and downloaded as ${format}`, async (t) => {
    const { page } = await open(plain, "/rapporter");
    await page.getByLabel("Nämnd").selectOption({ index: 0 });
    await page.getByLabel("År").selectOption("2012");
    await page.getByRole("radio", { name: new RegExp(format) }).check();
    const fields = Object.fromEntries(await Promise.all(["request_id", "board", "year"].map(async (name) =>
      [name, await page.locator(`[name=${name}]`).inputValue()])));
    await page.getByRole("button", { name: "Framställ" }).click();
    await page.waitForURL(/\/rapporter\/[a-z2-7]{26}/);
    for (let turn = 0; turn < 10 && (await page.getByText("Rapporten framställs").count()) > 0; turn += 1) {
      await page.getByRole("link", { name: "Se om den är klar" }).click();
      await page.waitForLoadState();
    }
    assert.match(await page.locator("main").textContent(), /Rapporten är klar/);

    const again = await plain.request.post(`${base}/rapporter`, {
      form: { ...fields, format: format.toLowerCase() }, headers: { origin: base }, maxRedirects: 0,
    });
    assert.equal(again.status(), 303);
    assert.equal(new URL(again.headers().location, base).pathname, new URL(page.url()).pathname, "the same report");

    const link = await page.getByRole("link", { name: /Ladda ner/ }).getAttribute("href");
    const file = await plain.request.get(new URL(link, base).href);
    assert.equal(file.status(), 200);
    assert.match(file.headers()["content-type"], new RegExp(media));
    assert.match(file.headers()["content-disposition"], /attachment/);
    const body = await file.body();
    assert.equal(body.subarray(0, start.length).toString().toUpperCase(), start.toUpperCase());
    t.diagnostic(`${format}: ${body.length} bytes`);
    assert.deepEqual(await findings(new URL(page.url()).pathname), []);
    await page.close();
  });
}

test("an order from another site is refused", async () => {
  const answer = await plain.request.post(`${base}/rapporter`, {
    form: { request_id: "x", board: "x", year: "2012", format: "pdf" }, headers: { origin: "https://elsewhere.example" },
  });
  assert.equal(answer.status(), 403);
});
