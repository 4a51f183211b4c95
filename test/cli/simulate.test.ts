// `sluice simulate`: what it prints, and what it refuses.
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { withSeedProcesses } from '#sluice/cli/seed-processes.js';
import type { SeedOptions } from '#sluice/testing/simulation/seed-run.js';
import { sluice } from './support/host.js';

describe('sluice simulate', () => {
  it('runs seeds and tells what they have come to', async () => {
    const seeds = ['simulate', '--seed', '3', '--seeds', '2', '--operations', '10'];
    const { code, stdout, stderr } = await sluice(seeds);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/transitions taken: \d+ of \d+/);
    expect(stdout).toMatch(/2 seeds, 20 operations, .* 0 failed\n$/);
  });

  it('answers machines in one document, and leaves out the faults it is told to', async () => {
    const classes = 'busy,corruption,crashInCreation,crashInRecovery,kill,powerCut';
    const seed = ['simulate', '--seed', '3', '--operations', '10', '--without', classes, '--json'];
    const { code, stdout } = await sluice(seed);
    const report = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report).toMatchObject({ seeds: 1, operations: 10, failed: [] });
    for (const name of classes.split(',')) expect(report.faults).not.toHaveProperty(name);
  });

  it('runs seeds in processes of their own, and finds the same', async () => {
    const seeds = ['simulate', '--seed', '3', '--seeds', '2', '--operations', '10', '--json'];
    const alone = JSON.parse((await sluice(seeds)).stdout);
    const together = JSON.parse((await sluice([...seeds, '--jobs', '2'])).stdout);
    expect({ ...together, seedsPerCpuMinute: 0 }).toEqual({ ...alone, seedsPerCpuMinute: 0 });
  });

  it('tells when such a process is killed, and ends the others', async () => {
    const { processes, ended } = await started(2, { operations: 100_000 }, async (lanes, found) => {
      const seeds = Promise.all(lanes.map((lane, seed) => lane(seed)));
      found[1]?.kill('SIGKILL');
      await seeds;
    });
    await expect(ended).rejects.toThrow('the process that ran seed 1 ended with SIGKILL');
    expect(processes.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL']);
  });

  it('lets such a process come to the end of its seed, whoever is interrupted', async () => {
    const { ended } = await started(1, { operations: 10 }, async ([lane], [child]) => {
      await lane?.(1);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) child?.kill(signal);
      return (await lane?.(2))?.issued;
    });
    expect(await ended).toBe(10);
  });

  it('leaves no such process behind where the command has ended', async () => {
    const { ended } = await started(1, { operations: 100_000 }, async ([lane], [child]) => {
      const seed = lane?.(1);
      child?.disconnect();
      await seed;
    });
    await expect(ended).rejects.toThrow('the process that ran seed 1 ended with 0');
  });

  it('refuses fault classes that there are not', async () => {
    const { code, stderr } = await sluice(['simulate', '--without', 'earthquake']);
    expect(code).toBe(2);
    expect(stderr).toContain('--without takes some of');
  });
});

type Work = Parameters<typeof withSeedProcesses>[2];

/** Starts processes, and gives them to the work that is to be done with them. */
async function started<T>(
  jobs: number,
  options: SeedOptions,
  work: (lanes: Parameters<Work>[0], processes: readonly ChildProcess[]) => Promise<T>,
) {
  const processes: ChildProcess[] = [];
  const note = (message: unknown) => {
    processes.push((message as { process: ChildProcess }).process);
  };
  subscribe('child_process', note);
  const ended = withSeedProcesses(jobs, options, (lanes) => work(lanes, processes));
  unsubscribe('child_process', note);
  await ended.catch(() => {});
  return { processes, ended };
}
