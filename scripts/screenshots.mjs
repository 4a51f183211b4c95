// Makes docs/images: the page and the terminal, from the built package. Needs Chromium, in the place
// that CHROMIUM names or where Debian has it, and tmux.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { pagePictures } from './screenshots/page.mjs';
import { smallPng } from './screenshots/small-png.mjs';
import { terminalPicture } from './screenshots/terminal.mjs';

const BYTES_MAX = 150 * 1024;

const root = fileURLToPath(new URL('../', import.meta.url));
const images = join(root, 'docs/images');
const directory = mkdtempSync(join(tmpdir(), 'sluice-'));
mkdirSync(join(directory, 'bin'));
symlinkSync(join(root, 'dist/cli/main.js'), join(directory, 'bin/sluice'));
copyFileSync(join(root, 'examples/data/movies.jsonl.gz'), join(directory, 'movies.jsonl.gz'));
mkdirSync(images, { recursive: true });

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const pictures = {
    ...(await pagePictures(browser, directory)),
    terminal: await terminalPicture(browser, directory),
  };
  for (const [name, picture] of Object.entries(pictures)) {
    const file = smallPng(await pixelsOf(browser, picture));
    writeFileSync(join(images, `${name}.png`), file);
    process.stdout.write(`docs/images/${name}.png: ${file.length} bytes\n`);
    if (file.length > BYTES_MAX) process.exitCode = 1;
  }
} finally {
  await browser.close();
  rmSync(directory, { recursive: true });
}

/** The browser reads its own files. */
async function pixelsOf(browser, png) {
  const page = await browser.newPage();
  const { width, height, text } = await page.evaluate(async (base64) => {
    const answer = await fetch(`data:image/png;base64,${base64}`);
    const picture = await createImageBitmap(await answer.blob());
    const { width, height } = picture;
    const drawn = new OffscreenCanvas(width, height).getContext('2d');
    drawn.drawImage(picture, 0, 0);
    const { data } = drawn.getImageData(0, 0, width, height);
    let text = '';
    for (let at = 0; at < data.length; at += 4) {
      text += String.fromCharCode(data[at], data[at + 1], data[at + 2]);
    }
    return { width, height, text };
  }, png.toString('base64'));
  await page.close();
  return { width, height, pixels: Buffer.from(text, 'latin1') };
}
