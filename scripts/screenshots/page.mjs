// The page of `sluice inspect`, while films are written, merged and indexed.

import { openCollection } from '../../dist/index.js';
import { serveInspector } from '../../dist/inspect/index.js';
import { batchesOf, DIMENSIONS, readFilms } from '../../examples/demo/films.mjs';

/** Each film so many times, so that an index takes seconds. */
const COPIES = 8;
const SIZE = { width: 1440, height: 960 };

/** Pictures of the page, by name. */
export async function pagePictures(browser, directory) {
  const collection = await openCollection(`${directory}/page.db`, {
    dimensions: DIMENSIONS,
    flushIntervalMs: 1000,
    optimizers: { maxOptimizationThreads: 0, maxSegmentSizeKb: 1200, indexingThresholdKb: 600 },
  });
  const inspector = await serveInspector(collection, { title: 'movies.db', allowControl: true });
  try {
    const open = async (colorScheme) => {
      const page = await browser.newPage({ colorScheme, viewport: SIZE });
      await page.goto(inspector.url);
      return page;
    };
    const [light, dark] = [await open('light'), await open('dark')];
    await write(collection);
    await collection.configure({ optimizers: { maxOptimizationThreads: null } });
    await inTheMiddle(light);
    return {
      'page-light': await light.screenshot(),
      'page-dark': await dark.screenshot(),
    };
  } finally {
    await inspector.close();
    await collection.close();
  }
}

async function write(collection) {
  const films = readFilms();
  for (let copy = 0; copy < COPIES; copy++) {
    for (const batch of batchesOf(films, 100)) {
      await collection.upsert(batch.map((film) => ({ ...film, id: film.id + copy * 100_000 })));
    }
    const gone = films.filter(({ id }) => id % 9 === copy).map(({ id }) => id);
    await collection.delete(gone);
  }
}

/** Waits until a run is in the middle of its index. */
async function inTheMiddle(page) {
  await page.waitForFunction(() =>
    [...globalThis.document.querySelectorAll('.runs progress')].some(
      ({ value, max, parentElement }) =>
        /indexing ·/.test(parentElement.textContent) && value > 0.2 * max && value < 0.9 * max,
    ),
  );
}
