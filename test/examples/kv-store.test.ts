// The key-value example: what its README says, on stores that fail and processes that are killed.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type KvStore, openKvStore } from '../../examples/kv-store/kv-store.mjs';
import { FaultLevel } from '../support/fault-level.js';
import { Random } from '../support/random.js';
import { temporaryDirectory } from '../support/temporary.js';
import { afterKill, blockKeys, inMemory, pairsOf, Stage, settled } from './support/kv.js';

const example = fileURLToPath(new URL('../../examples/kv-store/', import.meta.url));
const child = fileURLToPath(new URL('./child/kv-writer.mjs', import.meta.url));

async function fill(store: KvStore, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) void store.put(`key ${at}`, `${at}`, { wait: false });
  await store.handler.plunge();
}

describe('what the README says', () => {
  test('its program runs and prints what its comments say', async () => {
    const [, program = ''] =
      /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(join(example, 'README.md'), 'utf8')) ?? [];
    expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
    const place = await temporaryDirectory();
    const absolute = program.replace("'./kv-store.mjs'", `'${join(example, 'kv-store.mjs')}'`);
    writeFileSync(join(place, 'films.mjs'), absolute);
    const run = promisify(execFile)(process.execPath, ['films.mjs'], { cwd: place });
    expect((await run).stderr).toBe('');
    const said = [...program.matchAll(/\/\/ (.+)$/gm)].map(([, text]) => `${text}\n`);
    expect(said).toHaveLength(4);
    expect((await run).stdout).toBe(said.join(''));
  });

  test('it is small, and made of the core alone', async () => {
    const files = readdirSync(example).filter((name) => !/^README\.md$|\.test\.mjs$/.test(name));
    const sources = files.map((name) => readFileSync(join(example, name), 'utf8'));
    expect(files.length).toBeGreaterThan(1);
    expect(sources.join('').split('\n').length).toBeLessThan(350);
    const imports = sources.flatMap((text) => [...text.matchAll(/ from '([^.][^']*)'/g)]);
    const packages = new Set(imports.map(([, from]) => from));
    expect([...packages].filter((from) => !from?.startsWith('node:')).sort()).toEqual([
      'level',
      'sluice/core',
    ]);
  });

  test('none of the modules of the point collection is loaded', async () => {
    const place = await temporaryDirectory();
    const program = `
      import { openKvStore } from '${join(example, 'kv-store.mjs')}';
      const store = await openKvStore('${join(place, 'kv')}', { segmentEntries: 2 });
      for (let at = 0; at < 20; at += 1) await store.put('key ' + at % 3, 'value');
      await store.compact();
      await store.close();`;
    writeFileSync(join(place, 'program.mjs'), program);
    // What the engine has measured is what was loaded.
    const env = { ...process.env, NODE_V8_COVERAGE: join(place, 'loaded') };
    await promisify(execFile)(process.execPath, [join(place, 'program.mjs')], { env });
    const loaded = readdirSync(join(place, 'loaded')).flatMap((name) => {
      const text = readFileSync(join(place, 'loaded', name), 'utf8');
      return (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url);
    });
    const own = loaded.flatMap((url) => url.split('/dist/')[1] ?? []);
    expect(own).toEqual(expect.arrayContaining(['update-handler.js', 'services/level/wal.js']));
    const strangers =
      /^(collection|open-collection|index\.js|cli\/)|(points|optimizers|vector-index)\//;
    expect(own.filter((path) => strangers.test(path))).toEqual([]);
  });
});

describe('a key-value store', () => {
  test('refuses what is no string, and writes nothing', async () => {
    const store = await new Stage().open(inMemory());
    // @ts-expect-error Keys are strings.
    await expect(store.put(1, 'one')).rejects.toThrow(TypeError);
    // @ts-expect-error A put needs a value.
    await expect(store.put('one')).rejects.toThrow(TypeError);
    expect(store.handler.telemetry().log.last).toBe(0);
    await store.put('', '\ud800 \u0000');
    expect(store.range()).toEqual([['', '\ud800 \u0000']]);
  });

  test('scans from a key on and before another', async () => {
    const store = await new Stage().open(inMemory());
    await fill(store, 12);
    const keys = (bounds?: { gte?: string; lt?: string }) =>
      store.range(bounds).map(([key]) => key);
    expect(keys({ gte: 'key 10', lt: 'key 2' })).toEqual(['key 10', 'key 11']);
    expect(keys({ gte: 'key 9' })).toEqual(['key 9']);
    expect(keys({ lt: '' })).toEqual([]);
    expect(keys()).toHaveLength(12);
  });

  test('tells of a declined insert in its feed, also after a reopening', async () => {
    const databases = inMemory();
    const stage = new Stage();
    const first = await stage.open(databases);
    const release = first.handler.keepWalFrom(0);
    await first.put('a', '1');
    await expect(first.insert('a', '2')).rejects.toMatchObject({ code: 'SLUICE_DECLINED' });
    await first.delete('a');
    await first.insert('a', '3');
    await first.handler.flush();
    await first.close();
    release();
    const second = await stage.open(databases);
    const told: unknown[] = [];
    for await (const { operation, declined } of second.handler.changes()) {
      told.push([operation.type, declined]);
    }
    expect(told).toEqual([
      ['put', false],
      ['insert', true],
      ['delete', false],
      ['insert', false],
    ]);
    expect(second.get('a')).toBe('3');
  });

  test('deletes, overwrites and puts during a compaction outlast its end and its rollback', async () => {
    for (const end of ['success', 'failure', 'cancel', 'kill'] as const) {
      const stage = new Stage();
      const databases = inMemory();
      const store = await stage.open(databases);
      stage.closeGate();
      await fill(store, 8);
      for (let at = 0; at < 4; at += 1) await store.put(`key ${at}`, 'again');
      store.handler.trigger();
      await expect.poll(() => stage.waiting).toBe(1);
      await store.delete('key 5');
      await store.put('key 6', 'new');
      const before = store.range();
      const killed = await afterKill(databases);
      if (end === 'success') stage.openGate();
      if (end === 'failure') stage.failThere();
      if (end === 'cancel') await store.handler.reconfigure({});
      if (end === 'kill') {
        const swept = await new Stage().open(killed);
        expect(swept.range()).toEqual(before);
        await swept.compact();
        await swept.handler.flush();
        // One block for the compacted segment and at most two others: none of the killed run's.
        expect((await blockKeys(killed.segments)).length).toBeLessThanOrEqual(3);
        expect((await blockKeys(killed.segments)).length).toBeGreaterThan(0);
      }
      expect(store.range()).toEqual(before);
      stage.openGate();
      await settled(store);
      await store.compact();
      expect(store.range()).toEqual(before);
      expect(store.handler.status().color).toBe('green');
      await store.close();
      expect((await stage.open(databases)).range()).toEqual(before);
    }
  });

  test('two logs and segments that do not belong together are damage, as is a changed byte', async () => {
    const [one, other] = [inMemory(), inMemory()];
    for (const databases of [one, other]) {
      const store = await new Stage().open(databases);
      await fill(store, 9);
      await store.close();
    }
    const mixed = { wal: one.wal, segments: other.segments };
    await expect(new Stage().open(mixed)).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
    await one.segments.open();
    const [block = ''] = await blockKeys(one.segments);
    const value = Uint8Array.from((await one.segments.get(block)) ?? []);
    value[value.length - 3] = (value[value.length - 3] ?? 0) ^ 1;
    await one.segments.put(block, value);
    await expect(new Stage().open(one)).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
  });

  test('a storage that fails takes no writes, serves reads, and is reopened', async () => {
    const databases = { wal: new FaultLevel(), segments: new FaultLevel() };
    const store = await new Stage().open(databases);
    await fill(store, 20);
    databases.segments.failWrite();
    await expect(store.handler.flush()).rejects.toMatchObject({ code: 'SLUICE_IO' });
    await expect.poll(() => store.handler.state).toBe('broken');
    await expect(store.put('more', '1')).rejects.toMatchObject({ code: 'SLUICE_BROKEN' });
    expect(store.get('key 19')).toBe('19');
    await store.handler.reopen();
    await store.put('more', '1');
    await store.compact();
    await store.handler.flush();
    expect(store.range()).toHaveLength(21);
    expect(store.handler.status().color).toBe('green');
  });

  test('after a power cut it shows a prefix, with everything that was promised', async () => {
    const random = new Random(11);
    const databases = { wal: new FaultLevel(), segments: new FaultLevel() };
    let model = new Map<string, string>();
    let kept = 0;
    for (let round = 0; round < 5; round += 1) {
      const store = await new Stage().open(databases);
      const history = [new Map(model)];
      let promised = 0;
      for (let step = 0; step < 30; step += 1) {
        const key = `key ${random.between(1, 20)}`;
        const wait = random.chance(0.1);
        const isDelete = random.chance(0.3);
        if (isDelete) model.delete(key);
        else model.set(key, `${round} ${step}`);
        history.push(new Map(model));
        await (isDelete
          ? store.delete(key, { wait })
          : store.put(key, `${round} ${step}`, { wait }));
        if (wait) promised = history.length - 1;
        if (random.chance(0.1)) store.handler.trigger();
        if (random.chance(0.05)) await store.handler.flush();
      }
      for (const db of Object.values(databases)) await db.powerCut(() => random.chance(0.5));
      await store.close();
      const again = await new Stage().open(databases);
      const found = history.findLastIndex(
        (state) => JSON.stringify(pairsOf(state)) === JSON.stringify(again.range()),
      );
      expect(found).toBeGreaterThanOrEqual(promised);
      model = new Map(again.range());
      kept += found;
      await again.close();
    }
    expect(kept).toBeGreaterThan(0);
  });

  test('a process that is killed loses nothing that was acknowledged', async () => {
    const path = join(await temporaryDirectory(), 'kv');
    mkdirSync(path);
    const history = [new Map<string, string>()];
    let begun = 0;
    for (const lines of [150, 301]) {
      const done = new Set<number>();
      const process_ = spawn(process.execPath, [child, path, `${begun + 1}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(process_, 'exit');
      let heard = 0;
      for await (const line of createInterface({ input: process_.stdout })) {
        const [what, number] = line.split(' ');
        if (what === 'done') done.add(Number(number));
        else begun = Number(number);
        heard += 1;
        if (heard === lines) process_.kill('SIGKILL');
      }
      expect(await exited).toEqual([null, 'SIGKILL']);
      expect(done.size).toBeGreaterThan(50);
      while (history.length <= begun) history.push(after(history.length, history.at(-1)));
      const store = await openKvStore(path);
      const { last } = store.handler.telemetry().log;
      expect(last).toBeGreaterThanOrEqual(Math.max(...done));
      expect(last).toBeLessThanOrEqual(begun);
      expect(store.range()).toEqual(pairsOf(history[last] ?? new Map()));
      // The next process goes on where the log ends, so that numbers and steps stay the same.
      begun = last;
      history.length = last + 1;
      await store.close();
    }
  });
});

/** What the model holds when the child has done this step. */
function after(number: number, before: ReadonlyMap<string, string> = new Map()) {
  const model = new Map(before);
  const key = `key ${(number * 7) % 50}`;
  if (number % 5 === 0) model.delete(key);
  else model.set(key, `${number}`);
  return model;
}
