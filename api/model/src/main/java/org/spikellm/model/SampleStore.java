package org.spikellm.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/**
 * The residual stream of every sample: in memory, or past a limit in a temporary file that is read and written a sample at a time, so
 * that it does not count as resident.
 */
final class SampleStore implements AutoCloseable {

  private final Arena arena = Arena.ofShared();
  private final Tensor memory;
  private final FileChannel file;
  private final Tensor window;
  private final int rows;

  /**
   * Room for {@code samples} tensors F32 [rows, columns].
   *
   * @param limit most bytes to hold in memory
   */
  SampleStore(int samples, int rows, int columns, long limit) throws IOException {
    this.rows = rows;
    long bytes = 4L * samples * rows * columns;
    boolean fits = bytes <= limit && (long) samples * rows <= Integer.MAX_VALUE;
    memory = fits ? Tensor.allocate(arena, DType.F32, samples * rows, columns) : null;
    file = fits ? null : temporaryFile();
    window = fits ? null : Tensor.allocate(arena, DType.F32, rows, columns);
  }

  /** A file that has no name any more: it is gone when this process is, however that ends. */
  private static FileChannel temporaryFile() throws IOException {
    Path path = Files.createTempFile("spikellm-stream", ".tmp");
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
    Files.deleteIfExists(path);
    return channel;
  }

  /** Sample {@code i}, valid until the next one is read; changes last once it is {@link #write written}. */
  Tensor read(int i) {
    if (memory != null) {
      return memory.rows(i * rows, (i + 1) * rows);
    }
    transfer(i, true, window);
    return window;
  }

  /** Copies sample {@code i} into {@code target}; what was {@link #read} stays valid. */
  void copy(int i, Tensor target) {
    if (memory != null) {
      target.segment().copyFrom(memory.rows(i * rows, (i + 1) * rows).segment());
    } else {
      transfer(i, true, target);
    }
  }

  /** Keeps the sample that was read last as sample {@code i}. */
  void write(int i) {
    if (memory == null) {
      transfer(i, false, window);
    }
  }

  private void transfer(int i, boolean in, Tensor window) {
    long bytes = window.segment().byteSize();
    try {
      for (long at = 0; at < bytes; ) {
        ByteBuffer part = window.segment().asSlice(at, Math.min(1 << 30, bytes - at)).asByteBuffer();
        int moved = in ? file.read(part, i * bytes + at) : file.write(part, i * bytes + at);
        if (moved < 0) {
          return;  // not written yet: the window's content is as good as any
        }
        at += moved;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("calibration stream: the temporary file cannot be used: " + e.getMessage()
          + "; free space in " + System.getProperty("java.io.tmpdir")
          + ", choose another place with SPIKELLM_JAVA_OPTS=-Djava.io.tmpdir=DIRECTORY, or give more --memory", e);
    }
  }

  @Override
  public void close() {
    arena.close();
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
