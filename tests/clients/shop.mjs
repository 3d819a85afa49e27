// Visits the page of the guide for webshops, and prints what it says: node shop.mjs CHROMIUM URL
import { chromium } from "playwright-core";

const [executablePath, url] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath });
const page = await browser.newPage();
page.on("pageerror", (error) => console.log(error));

const journey = page.locator("#journey");
async function reads(text) {
  await journey.filter({ hasText: text }).waitFor();
  console.log(await journey.textContent());
}

await page.goto(url);
await reads("Welcome");
await page.click("#add");
await page.fill("[name=user]", "hedy");
await page.click("text=Log in");
await reads("Consideration");
await page.click("#checkout");
await reads("Purchase");
await browser.close();
