// The files that `heirloom view` serves with the page.

interface Served {
  name: string;
  open(): Promise<Blob>;
}

/** The files, in the order of the command; none if nobody serves any. */
export async function servedFiles(): Promise<Served[]> {
  const response = await fetch('files.json', { cache: 'no-store' }).catch(() => undefined);
  if (!response?.ok) return [];
  const names = (await response.json()) as string[];
  return names.map((name, index) => ({
    name,
    async open() {
      const file = await fetch(`files/${index}`, { cache: 'no-store' });
      if (!file.ok) throw new Error(`${name}: ${(await file.text()) || file.statusText}`);
      return file.blob();
    },
  }));
}
