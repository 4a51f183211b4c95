import { openCollection } from 'sluice';
import { serveInspector } from 'sluice/inspect';
import { rmSync } from 'node:fs';
import { chromium } from 'playwright-core';
rmSync('/tmp/try.db', { recursive: true, force: true });
const c = await openCollection('/tmp/try.db', { dimensions: 32, flushIntervalMs: 700, optimizers: { indexingThresholdKb: 300, vacuumMinVectorNumber: 100 , deletedThreshold:0.1} });
const i = await serveInspector(c, { allowControl: true, title: 'films.db' });
console.log(i.url);
const v = () => Array.from({ length: 32 }, () => Math.random());
let id = 0, go = true;
const write = async () => { while (go) { await c.upsert(Array.from({ length: 50 }, () => ({ id: id++, vector: v(), payload: { a: 1 } })), { wait: false }); if (id % 1000 === 0) await c.delete(Array.from({length:300},(_, k)=>id-1000+k), {wait:false}); await new Promise((r) => setTimeout(r, 20)); } };
const w = write();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const scheme of ['light', 'dark']) {
  const page = await browser.newPage({ colorScheme: scheme, viewport: { width: 1500, height: 1000 } });
  page.on('console', (m) => console.log('console', m.text())); page.on('pageerror', (e) => console.log('error', e));
  await page.goto(i.url);
  await page.waitForTimeout(5000);
  if (scheme === 'dark') await page.getByRole('button', { name: /optimizerScheduler/ }).click();
  await page.waitForTimeout(1000);
  await page.screenshot({ path: `/tmp/${scheme}.png` });
}
go = false; await w;
await browser.close(); await i.close(); await c.close();
