// Recordings: written as it happens, read again, and served.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openRecorder } from '#sluice/inspect/recorder.js';
import { readRecording, serveRecording } from '#sluice/inspect/replay.js';
import { sleep, systemClock } from '#sluice/services/clock.js';
import { CANARIES } from '#sluice/testing/simulation/canaries/hunt.js';
import { recordRun } from '#sluice/testing/simulation/record.js';
import { sluice } from '../cli/support/host.js';
import { temporaryDirectory } from '../support/temporary.js';

async function recordedSeed(): Promise<string> {
  const path = join(await temporaryDirectory(), 'seed.jsonl');
  const recorder = await openRecorder(path);
  await recordRun({ seed: 3, operations: 20 }, recorder.write);
  await recorder.close();
  return path;
}

test('the run of a seed is read as it was written, and the same each time', async () => {
  const path = await recordedSeed();
  const messages = await readRecording(path);
  expect(messages[0]).toMatchObject({ type: 'start', title: expect.stringContaining('--seed 3') });
  expect(new Set(messages.map(({ type }) => type))).toEqual(
    new Set(['start', 'chart', 'actor', 'state', 'event']),
  );
  const times = messages.map(({ at }) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(readFileSync(await recordedSeed(), 'utf8')).toBe(readFileSync(path, 'utf8'));

  const server = await serveRecording(path);
  onTestFinished(() => server.close());
  const stop = new AbortController();
  const response = await fetch(`${server.url}feed`, { signal: stop.signal });
  const reader = response.body?.getReader();
  let text = '';
  while (!text.includes(JSON.stringify(messages.at(-1)))) {
    text += Buffer.from((await reader?.read())?.value ?? []).toString();
  }
  stop.abort();
  expect(text).toContain('"recorded":true');
});

test('a long recording is sent whole, and the page stays connected', async () => {
  const path = join(await temporaryDirectory(), 'long.jsonl');
  const recorder = await openRecorder(path);
  recorder.write({ type: 'start', at: 0, format: 1, title: 'long' });
  // More than may wait for a page that sees what happens now.
  const data = 'x'.repeat(1024 * 1024);
  for (let at = 1; at <= 40; at++) {
    recorder.write({ type: 'event', at, actor: 'a1', from: null, name: 'Tick', data });
  }
  await recorder.close();
  const server = await serveRecording(path);
  onTestFinished(() => server.close());
  const response = await fetch(`${server.url}feed`);
  const reader = response.body?.getReader();
  let bytes = 0;
  while (bytes < 40 * data.length) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    expect(done).toBe(false);
    bytes += value?.length ?? 0;
  }
  // What is left of the last message, and then nothing, not even an end.
  const idle = Symbol('idle');
  const rest = async () => (await reader?.read())?.done;
  let next: unknown = false;
  while (next === false)
    next = await Promise.race([rest(), sleep(systemClock, 100).then(() => idle)]);
  expect(next).toBe(idle);
  await reader?.cancel().catch(() => {});
});

test('of several seeds the first that fails is recorded, as far as it was made small', async () => {
  const path = join(await temporaryDirectory(), 'seed.jsonl');
  const canary = CANARIES.find(({ name }) => name === 'commits before the blocks are written');
  onTestFinished(canary?.install() ?? expect.fail('there is no such canary'));
  const seeds = ['--seed', '4', '--seeds', '2', '--operations', '10', '--json'];
  const { code, stdout } = await sluice(['simulate', ...seeds, '--record', path]);
  expect(code).toBe(1);
  const [failed] = JSON.parse(stdout).failed;
  expect(failed.rule).toBe('a manifest names only what is there');
  const messages = await readRecording(path);
  expect(messages[0]).toMatchObject({ title: failed.replay });
  const alone: object[] = [];
  const { failure } = await recordRun(failed, (message) => alone.push(message));
  expect(failure).toMatchObject({ rule: failed.rule });
  expect(messages).toEqual(JSON.parse(JSON.stringify(alone)));
});

test('a last line that was cut off is left out; other damage is told', async () => {
  const path = await recordedSeed();
  const { length } = await readRecording(path);
  appendFileSync(path, '{"type":"ev');
  expect(await readRecording(path)).toHaveLength(length);
  appendFileSync(path, '\n{"type":"dropped","at":1,"events":1}\n');
  await expect(readRecording(path)).rejects.toMatchObject({ code: 'SLUICE_BAD_LINE' });
  writeFileSync(path, '{"hello":"world"}\n');
  await expect(readRecording(path)).rejects.toMatchObject({ code: 'SLUICE_FORMAT_UNKNOWN' });
  await expect(readRecording(`${path}.gone`)).rejects.toMatchObject({ code: 'SLUICE_NOT_FOUND' });
  await expect(openRecorder(join(path, 'below'))).rejects.toMatchObject({ code: 'SLUICE_IO' });
});
