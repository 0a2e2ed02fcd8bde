/** Clusters of 64 KiB, and an image that needs no more than one of each table. */
const clusterBits = 16;
const clusterBytes = 1 << clusterBits;
const copied = 1n << 63n;
const offsetMask = 0x00ff_ffff_ffff_fe00n;
const at = { refcountTable: 1, refcounts: 2, l1: 3, l2: 4, data: 5 };
const clusters = 6;

/** A qcow2 image (version 3) of 1 MiB that begins with these bytes, 64 KiB at most. */
export function qcow2With(content: Uint8Array): Buffer {
  const image = Buffer.alloc(clusters * clusterBytes);
  const place = (cluster: number): number => cluster * clusterBytes;
  image.write('QFI\u00FB', 0, 'latin1');
  image.writeUInt32BE(3, 4);
  image.writeUInt32BE(clusterBits, 20);
  image.writeBigUInt64BE(1024n * 1024n, 24);
  image.writeUInt32BE(1, 36);
  image.writeBigUInt64BE(BigInt(place(at.l1)), 40);
  image.writeBigUInt64BE(BigInt(place(at.refcountTable)), 48);
  image.writeUInt32BE(1, 56);
  // Counts of 16 bits, a header of 104 bytes.
  image.writeUInt32BE(4, 96);
  image.writeUInt32BE(104, 100);
  image.writeBigUInt64BE(BigInt(place(at.refcounts)), place(at.refcountTable));
  for (let cluster = 0; cluster < clusters; cluster += 1) {
    image.writeUInt16BE(1, place(at.refcounts) + 2 * cluster);
  }
  image.writeBigUInt64BE(BigInt(place(at.l2)) | copied, place(at.l1));
  image.writeBigUInt64BE(BigInt(place(at.data)) | copied, place(at.l2));
  image.set(content.subarray(0, clusterBytes), place(at.data));
  return image;
}

/** The first cluster of what a guest sees of an image of 1 MiB now. */
export function contentOf(image: Buffer): Buffer {
  const target = (entry: number): number => Number(image.readBigUInt64BE(entry) & offsetMask);
  const l1 = Number(image.readBigUInt64BE(40));
  const data = target(target(l1));
  return image.subarray(data, data + clusterBytes);
}
