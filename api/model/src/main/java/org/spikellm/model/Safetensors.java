package org.spikellm.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/**
 * One safetensors file, memory-mapped: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes. The header is
 * checked whole when the file is opened: offsets lie inside the file, fit the shapes, and neither overlap nor leave gaps.
 */
public final class Safetensors {

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int LENGTH_BYTES = 8;
  private static final long MAX_HEADER_BYTES = 100_000_000;
  /** Their bits, 64 at most each, fit in a long. */
  private static final long MAX_ELEMENTS = Long.MAX_VALUE / Long.SIZE;

  /**
   * A tensor of the file.
   *
   * @param name its name
   * @param type the type as the header names it
   * @param shape its dimensions
   * @param begin first byte in the data
   * @param end byte after the last one
   */
  public record Entry(String name, String type, List<Long> shape, long begin, long end) {}

  private final Path file;
  private final MemorySegment data;
  private final long headerBytes;
  private final Map<String, Entry> entries;
  private final Map<String, String> metadata;

  private Safetensors(Path file, MemorySegment data, long headerBytes, Map<String, Entry> entries, Map<String, String> metadata) {
    this.file = file;
    this.data = data;
    this.headerBytes = headerBytes;
    this.entries = Collections.unmodifiableMap(entries);
    this.metadata = Collections.unmodifiableMap(metadata);
  }

  /**
   * Maps a file for as long as {@code arena} lives.
   *
   * @throws CheckpointException if it is not a whole, consistent safetensors file
   */
  public static Safetensors open(Path file, Arena arena) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(file + ": expected a safetensors file, found "
          + (Files.exists(file) ? "something else" : "nothing"));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < LENGTH_BYTES) {
        throw new CheckpointException(file + ": truncated: expected at least 8 bytes of header length, found " + size);
      }
      MemorySegment mapped = channel.map(MapMode.READ_ONLY, 0, size, arena);
      long length = mapped.get(LONG, 0);
      if (length < 0 || length > MAX_HEADER_BYTES || length > size - LENGTH_BYTES) {
        String pointer = LfsPointer.hint(mapped.asSlice(0, Math.min(size, 64)).toArray(Tensor.BYTE));
        throw new CheckpointException(!pointer.isEmpty() ? file + ": expected a safetensors file, found " + pointer
            : file + ": header length is " + Long.toUnsignedString(length) + ", expected at most "
            + Math.min(MAX_HEADER_BYTES, size - LENGTH_BYTES) + "; the file is truncated or not safetensors");
      }
      byte[] header = mapped.asSlice(LENGTH_BYTES, length).toArray(Tensor.BYTE);
      MemorySegment data = mapped.asSlice(LENGTH_BYTES + length);
      Map<String, String> metadata = new LinkedHashMap<>();
      Map<String, Entry> entries = new LinkedHashMap<>();
      for (var field : Json.parseObject(header, file + " (header)").entrySet()) {
        if (field.getKey().equals("__metadata__")) {
          if (field.getValue() instanceof Map<?, ?> map) {
            map.forEach((key, value) -> metadata.put(key.toString(), String.valueOf(value)));
          }
        } else {
          entries.put(field.getKey(), entry(file, field.getKey(), field.getValue(), data.byteSize()));
        }
      }
      checkLayout(file, entries, data.byteSize());
      return new Safetensors(file, data, LENGTH_BYTES + length, entries, metadata);
    }
  }

  /**
   * The same file in another mapping, which lives as long as {@code arena}; the header is not read again.
   *
   * @throws CheckpointException if the file is not as long as it was
   */
  Safetensors remap(Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size != headerBytes + data.byteSize()) {
        throw new CheckpointException(file + ": expected " + (headerBytes + data.byteSize()) + " bytes as when it was opened, found " + size
            + "; something else is writing it");
      }
      return new Safetensors(file, channel.map(MapMode.READ_ONLY, headerBytes, data.byteSize(), arena), headerBytes, entries, metadata);
    }
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /** Its tensors by name, in header order. */
  public Map<String, Entry> entries() {
    return entries;
  }

  /** The header's {@code __metadata__}. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** The bytes of tensor {@code name}. */
  public MemorySegment bytes(String name) {
    Entry entry = entries.get(name);
    return data.asSlice(entry.begin(), entry.end() - entry.begin());
  }

  /**
   * A view of tensor {@code name}, with one row if it has one dimension.
   *
   * @throws CheckpointException if it has another type than those of {@link DType}, or more than two dimensions
   */
  public Tensor tensor(String name) throws CheckpointException {
    Entry entry = entries.get(name);
    DType dtype;
    try {
      dtype = DType.valueOf(entry.type());
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": tensor '" + name + "' is " + entry.type()
          + ", expected F32, F16 or BF16; re-export the checkpoint in one of them", e);
    }
    List<Long> shape = entry.shape();
    if (shape.isEmpty() || shape.size() > 2 || shape.stream().anyMatch(d -> d > Integer.MAX_VALUE)) {
      throw new CheckpointException(file + ": tensor '" + name + "' has shape " + shape + ", expected one or two dimensions");
    }
    int columns = shape.getLast().intValue();
    int rows = shape.size() == 2 ? shape.getFirst().intValue() : 1;
    return new Tensor(dtype, rows, columns, bytes(name));
  }

  private static Entry entry(Path file, String name, Object value, long dataBytes) throws CheckpointException {
    if (!(value instanceof Map<?, ?> map && map.get("dtype") instanceof String type && map.get("shape") instanceof List<?> dims
        && map.get("data_offsets") instanceof List<?> offsets && offsets.size() == 2
        && offsets.get(0) instanceof Long begin && offsets.get(1) instanceof Long end)) {
      throw new CheckpointException(file + ": tensor '" + name + "': expected dtype, shape and two data_offsets in the header");
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    for (Object dim : dims) {
      if (!(dim instanceof Long d) || d < 0 || (d > 0 && elements > MAX_ELEMENTS / d)) {
        throw new CheckpointException(file + ": tensor '" + name + "' has shape " + dims + ", expected sizes from 0 up");
      }
      shape.add(d);
      elements *= d;
    }
    if (begin < 0 || end < begin || end > dataBytes) {
      throw new CheckpointException(file + ": tensor '" + name + "' lies at bytes " + begin + ".." + end + ", but the file has "
          + dataBytes + " bytes of data; it is truncated or its header is wrong: fetch it again");
    }
    long bits = elementBits(type);
    if (bits > 0 && elements * bits / 8 != end - begin) {
      throw new CheckpointException(file + ": tensor '" + name + "' " + type + " " + shape + ": expected " + elements * bits / 8
          + " bytes, found " + (end - begin));
    }
    return new Entry(name, type, List.copyOf(shape), begin, end);
  }

  private static long elementBits(String type) {
    return switch (type) {
      case "F64", "I64", "U64" -> 64;
      case "F32", "I32", "U32" -> 32;
      case "F16", "BF16", "I16", "U16" -> 16;
      case "I8", "U8", "BOOL" -> 8;
      default -> 0;
    };
  }

  private static void checkLayout(Path file, Map<String, Entry> entries, long dataBytes) throws CheckpointException {
    List<Entry> sorted = new ArrayList<>(entries.values());
    sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long at = 0;
    String previous = "the start";
    for (Entry entry : sorted) {
      if (entry.begin() != at) {
        throw new CheckpointException(file + ": tensor '" + entry.name() + "' begins at byte " + entry.begin() + ", expected " + at
            + ", where " + previous + (entry.begin() < at ? " ends: they overlap" : " ends: there is a gap"));
      }
      at = entry.end();
      previous = "'" + entry.name() + "'";
    }
    if (at != dataBytes) {
      throw new CheckpointException(file + ": expected " + at + " bytes of data, found " + dataBytes);
    }
  }
}
