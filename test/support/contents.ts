import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** LevelDB's own diary, which it begins anew even when it is refused the lock. */
const DIARY = /(^|\/)LOG(\.old)?$/;

/** Every file below a directory with a hash of what is in it. */
export function filesBelow(path: string): Map<string, string> {
  const names = readdirSync(path, { recursive: true }).map(String).sort();
  const files = names.filter((name) => !DIARY.test(name) && statSync(join(path, name)).isFile());
  return new Map(
    files.map((name) => [
      name,
      createHash('sha1')
        .update(readFileSync(join(path, name)))
        .digest('hex'),
    ]),
  );
}
