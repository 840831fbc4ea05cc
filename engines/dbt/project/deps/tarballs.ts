import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '../../../../schemas/errors.js';
import { download } from './download.js';
import { untar } from './untar.js';

/** Archives unpacked below one folder, each once. */
export class Tarballs {
  private readonly known = new Map<string, Promise<string>>();

  constructor(private readonly folder: string) {}

  /**
   * @param name of the package, for errors
   * @returns the folder of the package
   * @throws MillraceError DbtProjectInvalid, Unavailable, SourceUnreadable
   */
  unpacked(url: string, name: string): Promise<string> {
    let found = this.known.get(url);
    if (!found) this.known.set(url, (found = this.fetch(url, name)));
    return found;
  }

  private async fetch(url: string, name: string): Promise<string> {
    if (!URL.canParse(url))
      throw new MillraceError('DbtProjectInvalid', {
        what: `The tarball of package '${name}' has no address`,
        fix: "Write a whole address: 'tarball: https://…/package.tar.gz'",
      });
    const packed = await download(url, `package '${name}'`);
    if (packed === null)
      throw new MillraceError('DbtProjectInvalid', {
        what: `The tarball of package '${name}' is not there (404)`,
        fix: 'Correct its address',
      });
    return untar(packed, mkdtempSync(join(this.folder, 'tarball-')), `package '${name}'`);
  }
}
