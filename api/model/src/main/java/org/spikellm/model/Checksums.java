package org.spikellm.model;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32C;

/** The CRC-32C of each tensor of a packed checkpoint, kept in its file's metadata under {@code crc32c:NAME} as eight hex digits. */
final class Checksums {

  private static final String PREFIX = "crc32c:";
  private static final long STEP = 1L << 30;

  private Checksums() {}

  static String key(String tensor) {
    return PREFIX + tensor;
  }

  static String of(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += STEP) {
      crc.update(bytes.asSlice(at, Math.min(STEP, bytes.byteSize() - at)).asByteBuffer());
    }
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  /** Checks all tensors, in parallel. */
  static void verify(Map<String, Safetensors> tensors) throws CheckpointException {
    var bad = tensors.entrySet().parallelStream().filter(e -> {
      String expected = e.getValue().metadata().get(key(e.getKey()));
      return !of(e.getValue().bytes(e.getKey())).equals(expected);
    }).findFirst();
    if (bad.isPresent()) {
      String name = bad.get().getKey();
      Safetensors file = bad.get().getValue();
      String expected = file.metadata().get(key(name));
      throw new CheckpointException(file.file() + ": tensor '" + name + "' was altered: expected CRC-32C "
          + (expected == null ? "in the file's metadata, found none" : expected + ", found " + of(file.bytes(name)))
          + "; copy or quantize the checkpoint again");
    }
  }
}
