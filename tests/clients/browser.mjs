// Keeps a page open in Chromium until the standard input ends: node browser.mjs CHROMIUM URL DEVICE
import { chromium, devices } from "playwright-core";

const [executablePath, url, device] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath });
const page = await browser.newPage(devices[device]);
page.on("pageerror", (error) => console.error(error));
await page.goto(url);
process.stdin.resume().on("end", () => browser.close());
