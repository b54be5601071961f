package org.spikellm.quantizers.gptq;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Matrices in temporary files that have no name any more: they are gone when this process is, however that ends. */
final class MappedScratch {

  private MappedScratch() {}

  /** F32 [rows, columns] of zeros, mapped for as long as {@code arena} lives. */
  static Tensor tensor(Arena arena, int rows, int columns) throws IOException {
    long bytes = 4L * rows * columns;
    Path path = Files.createTempFile("spikellm-gram", ".tmp");
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MemorySegment memory = file.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
      return new Tensor(DType.F32, rows, columns, memory);
    } finally {
      Files.deleteIfExists(path);
    }
  }
}
