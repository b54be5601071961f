package org.spikellm.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Tensor;

/** Writes safetensors files with a checksum for every tensor. */
public final class SafetensorsWriter {

  private static final int ALIGNMENT = 64;
  private static final long STEP = 1L << 30;

  private SafetensorsWriter() {}

  /**
   * Writes tensors, in the order of the map, to a temporary file beside {@code file} and renames it: there is never a part of a file
   * under that name.
   */
  public static void write(Path file, Map<String, Tensor> tensors) throws IOException {
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("format", "spikellm");
    tensors.forEach((name, tensor) -> metadata.put(Checksums.key(name), Checksums.of(tensor.segment())));
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("__metadata__", metadata);
    long at = 0;
    for (var entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue();
      long end = at + tensor.segment().byteSize();
      // In one order: equal tasks give equal bytes.
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("dtype", tensor.dtype().name());
      described.put("shape", List.of(tensor.rows(), tensor.columns()));
      described.put("data_offsets", List.of(at, end));
      header.put(entry.getKey(), described);
      at = end;
    }
    byte[] json = padded(Json.write(header).getBytes(StandardCharsets.UTF_8));
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
        StandardOpenOption.TRUNCATE_EXISTING)) {
      writeFully(channel, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, json.length));
      writeFully(channel, ByteBuffer.wrap(json));
      for (Tensor tensor : tensors.values()) {
        for (long from = 0; from < tensor.segment().byteSize(); from += STEP) {
          writeFully(channel, tensor.segment().asSlice(from, Math.min(STEP, tensor.segment().byteSize() - from)).asByteBuffer());
        }
      }
      channel.force(true);
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Pads the header with spaces so that the data is aligned. */
  private static byte[] padded(byte[] json) {
    int length = (json.length + 8 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - 8;
    byte[] padded = Arrays.copyOf(json, length);
    Arrays.fill(padded, json.length, length, (byte) ' ');
    return padded;
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
