import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, which can be filled. */
export interface SmallDisk {
  readonly path: string;
  freeBytes(): number;
  /** Takes space away until so much is left; another call changes how much that is. */
  leave(bytes: number): void;
}

/** Taken away at once. */
const BALLAST_BYTES = 4 * 1024 * 1024;
const ROUNDS_MAX = 1000;

function mount(path: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' });
}

function unmount(path: string): void {
  // Lazily: a store that a failed test has left open must not keep the directory.
  execFileSync('umount', ['-l', path], { stdio: 'pipe' });
}

/** Why no small disk can be made here; undefined when one can. */
export function smallDiskUnavailable(): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'sluice-disk-'));
  try {
    mount(path, 1024 * 1024);
    unmount(path);
    return undefined;
  } catch (error) {
    return `a tmpfs can't be mounted: ${String(error).split('\n')[0]}`;
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** Runs an action on a new disk of that size, which is gone afterwards. */
export async function withSmallDisk<T>(
  bytes: number,
  action: (disk: SmallDisk) => Promise<T>,
): Promise<T> {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-disk-')));
  mount(path, bytes);
  try {
    return await action(diskAt(path));
  } finally {
    unmount(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function diskAt(path: string): SmallDisk {
  const ballast = join(path, 'ballast');
  const file = join(ballast, 'file');
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  return {
    path,
    freeBytes,
    leave: (bytes) => {
      rmSync(ballast, { recursive: true, force: true });
      mkdirSync(ballast);
      // Bit by bit, because a store may write beside: what was free a moment ago may be taken.
      for (let rounds = 0; rounds < ROUNDS_MAX; rounds += 1) {
        const room = freeBytes() - Math.ceil(bytes);
        if (room <= 0) return;
        try {
          appendFileSync(file, Buffer.alloc(Math.min(room, BALLAST_BYTES)));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
      throw new Error(`the disk never had ${bytes} bytes left: ${freeBytes()}`);
    },
  };
}
