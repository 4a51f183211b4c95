// The page in a real browser: it shows what the API says. Needs Chromium, in the place that CHROMIUM
// names or where Debian has it.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Collection } from 'sluice';
import { type ServeInspectorOptions, serveInspector } from 'sluice/inspect';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { openRecorder } from '#sluice/inspect/recorder.js';
import { serveRecording } from '#sluice/inspect/replay.js';
import { recordRun } from '#sluice/testing/simulation/record.js';
import { openTiny } from '../core/support/tiny-store.js';
import { fillSegments, ONE_UPSERT_A_SEGMENT } from '../support/segments.js';
import { newStore } from '../support/stores.js';
import { temporaryDirectory } from '../support/temporary.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const isThere = existsSync(executablePath);
if (!isThere) {
  process.stderr.write(`the tests of the page are skipped: there is no ${executablePath}\n`);
}
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.skipIf(!isThere)('the page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());

  /** A page at this address that must not complain, nor ask anybody else for anything. */
  async function visit(url: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1500, height: 1000 } });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!/^(data:|http:\/\/127\.0\.0\.1:)/.test(request.url())) complaints.push(request.url());
    });
    onTestFinished(async () => {
      await page.close();
      expect(complaints).toEqual([]);
    });
    await page.goto(url);
    return page;
  }

  async function served(options: ServeInspectorOptions = {}) {
    const collection = await newStore().open({ dimensions: 256, optimizers: ONE_UPSERT_A_SEGMENT });
    const inspector = await serveInspector(collection, { title: 'films', ...options });
    onTestFinished(() => inspector.close());
    return { collection, url: inspector.url };
  }

  async function lamp(id = 'lamp') {
    const machine = createMachine({
      id,
      initial: 'off',
      states: { off: { on: { Toggle: 'on' } }, on: { on: { Toggle: 'off' } } },
      on: { Tick: {} },
    });
    const actor = createActor(machine).start();
    const inspector = await serveInspector(actor);
    onTestFinished(() => inspector.close());
    return { actor, url: inspector.url };
  }

  const segmentsOf = (collection: Collection) =>
    collection.info().segments.map(({ id, points }) => `${id} ${points} points`);

  test('shows what the API says: actors, chart, segments, log, status', async () => {
    const { collection, url } = await served();
    await fillSegments(collection, [3, 5, 8]);
    await collection.flush();
    const page = await visit(url);
    await page.getByRole('heading', { name: 'films' }).waitFor();
    const segments = page.locator('.segments li');
    await expect.poll(() => segments.count()).toBe(collection.info().segments.length);
    const texts = await segments.allInnerTexts();
    for (const [at, text] of segmentsOf(collection).entries()) {
      expect(texts[at]?.replace(/\s+/g, ' ')).toContain(text);
    }
    // As much of each is drawn as live points as it has: an empty one is empty.
    const live = segments.locator('.live');
    const widths = await live.evaluateAll((bars) => bars.map((bar) => bar.getAttribute('width')));
    const expected = collection.info().segments.map(({ points }) => (points === 0 ? '0' : '100'));
    expect(widths).toEqual(expected);
    expect(await page.locator('.status .color').innerText()).toBe(collection.status().color);
    const { applied } = collection.info().wal;
    const waterline = page.locator('.facts div', { hasText: 'applied (waterline)' }).locator('dd');
    await expect.poll(() => waterline.innerText()).toBe(String(applied));
    const active = page.locator('.chart .active');
    await expect
      .poll(() => active.evaluateAll((nodes) => nodes.map(({ id }) => id)))
      .toEqual(['updateHandler.live', 'updateHandler.live.running']);
    // By keyboard alone.
    await page.getByRole('button', { name: /^flushWorker/ }).focus();
    await page.keyboard.press('Enter');
    await expect
      .poll(() => active.evaluateAll((nodes) => nodes.map(({ id }) => id)))
      .toEqual(['flushWorker.sleeping']);
    await collection.close();
    await expect.poll(() => page.locator('.status').innerText()).toContain('is stopped');
  });

  test('acts on the store when that was allowed, and has no buttons otherwise', async () => {
    const { collection, url } = await served({ allowControl: true });
    const page = await visit(url);
    const { rounds } = collection.telemetry().flush;
    await page.getByRole('button', { name: 'Flush', exact: true }).click();
    await expect.poll(() => collection.telemetry().flush.rounds).toBeGreaterThan(rounds);
    const other = await visit((await served()).url);
    await other.getByRole('heading', { name: 'films' }).waitFor();
    expect(await other.getByRole('button', { name: 'Flush', exact: true }).count()).toBe(0);
  });

  test('cancels an optimization that runs', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.copy');
    onTestFinished(() => gate.open());
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    const inspector = await serveInspector(store.handler, { allowControl: true });
    onTestFinished(() => inspector.close());
    const page = await visit(inspector.url);
    const [run] = store.handler.optimizations().running;
    const title = `${run?.optimizer} ${run?.segmentIds.join(' + ')}`;
    await page.getByRole('progressbar', { name: title }).waitFor();
    await page.getByRole('button', { name: `Cancel ${title}` }).click();
    const { handler, clock } = store;
    const completed = () => handler.optimizations().completed.map(({ status }) => status);
    await expect
      .poll(() => clock.advance(100).then(completed))
      .toEqual([{ state: 'cancelled', why: 'cancelled by the caller' }]);
    await page.locator('.runs .cancelled', { hasText: 'cancelled by the caller' }).waitFor();
    expect(await page.getByRole('button', { name: `Cancel ${title}` }).count()).toBe(0);
    await store.run(handler.stop());
  });

  test('filters and holds events, of any system', async () => {
    const { actor, url } = await lamp();
    const page = await visit(url);
    await page.locator('.chart .node').first().waitFor();
    for (let at = 0; at < 100; at++) actor.send({ type: 'Tick' });
    actor.send({ type: 'Toggle' });
    await page.getByRole('searchbox', { name: 'Filter events' }).fill('toggle');
    const rows = page.locator('.events tbody tr');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole('button', { name: 'Pause' }).click();
    actor.send({ type: 'Toggle' });
    await page.locator('.actor', { hasText: 'off' }).waitFor();
    expect(await rows.count()).toBe(1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(() => rows.count()).toBe(2);
  });

  test('shows names and data as texts, whatever they look like', async () => {
    const bad = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const { actor, url } = await lamp(bad);
    const page = await visit(url);
    await page.locator('.chart .node').first().waitFor();
    actor.send({ type: 'Tick', [bad]: bad });
    await page.locator('.events .data', { hasText: '<img src=x' }).waitFor();
    expect(await page.getByRole('heading', { name: bad }).count()).toBeGreaterThan(0);
    expect(await page.locator('img, #app script').count()).toBe(0);
    expect(await page.title()).toBe('Sluice');
  });

  test('shows a thousand events a second, and answers meanwhile', async () => {
    const { actor, url } = await lamp();
    const page = await visit(url);
    await page.locator('.chart .node').first().waitFor();
    const pause = page.getByRole('button', { name: 'Pause' });
    const filter = page.getByRole('searchbox', { name: 'Filter events' });
    const shown = async () =>
      Number((await page.locator('#events .state').innerText()).replace(/\D/g, ''));
    const before = await shown();
    const startedAt = performance.now();
    let sent = 0;
    // However late a timer is, the rate is kept: what is due by then is sent.
    const flood = setInterval(() => {
      const due = (performance.now() - startedAt) * 1.5;
      for (; sent < due; sent++) actor.send({ type: 'Tick' });
    }, 20);
    onTestFinished(() => clearInterval(flood));
    let last = before;
    for (const text of ['t', 'ti', 'tic', 'tick']) {
      await filter.fill(text);
      expect(await filter.inputValue()).toBe(text);
      await pause.click();
      await expect.poll(() => pause.getAttribute('aria-pressed')).toBe('true');
      await pause.click();
      await expect.poll(() => pause.getAttribute('aria-pressed')).toBe('false');
      // It goes on to show them while it is used.
      await expect.poll(shown).toBeGreaterThan(last);
      last = await shown();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    clearInterval(flood);
    expect(sent / seconds).toBeGreaterThan(1000);
    // None is lost from the count.
    await expect.poll(shown).toBe(before + sent);
  });

  test('plays a recording, and goes to any of its moments', async () => {
    const path = join(await temporaryDirectory(), 'seed.jsonl');
    const recorder = await openRecorder(path);
    await recordRun({ seed: 3, operations: 30 }, recorder.write);
    await recorder.close();
    const server = await serveRecording(path);
    onTestFinished(() => server.close());
    const page = await visit(server.url);
    const slider = page.getByRole('slider', { name: 'Time' });
    await slider.waitFor();
    const count = page.locator('#events .state');
    const first = await count.innerText();
    await slider.focus();
    await page.keyboard.press('End');
    await expect.poll(() => count.innerText()).not.toBe(first);
    const last = await count.innerText();
    await page.keyboard.press('Home');
    await expect.poll(() => count.innerText()).toBe(first);
    await page.getByLabel('speed').selectOption('100');
    await page.getByRole('button', { name: 'Play' }).click();
    await expect.poll(() => count.innerText(), { timeout: 15_000 }).toBe(last);
  });

  test.each(['light', 'dark'] as const)('can be read and used by everyone: %s', async (scheme) => {
    const { collection, url } = await served({ allowControl: true });
    await fillSegments(collection, [3, 5]);
    const page = await visit(url, scheme);
    await page.locator('.chart .active').first().waitFor();
    await page.locator('.segments li').first().waitFor();
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      const found = await axe.run();
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
    expect(violations).toEqual([]);
  });
});
