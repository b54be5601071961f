package org.spikellm.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.spikellm.api.Block;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * Writes a packed checkpoint block by block into {@code OUT.partial}, which {@link #finish} renames to OUT: a partly written one never has
 * the final name. A finished block is what a later writer of the same task goes on from. One at a time writes there, until it is closed
 * or its process ends.
 */
public final class CheckpointWriter implements AutoCloseable {

  private static final String LOCK = "lock";
  private static final String TASK = "task.json";
  private static final String CONFIG = "config.json";
  private static final String MEASURED = "measured.json";
  private static final String TEMPORARY = ".tmp";
  private static final String INDEX = "model.safetensors.index.json";
  private static final List<String> COPIED = List.of("tokenizer.json", "tokenizer.model", "tokenizer_config.json",
      "added_tokens.json", "special_tokens_map.json", "generation_config.json", "chat_template.jinja");

  private final Path out;
  private final Path partial;
  private final Checkpoint source;
  private final FileChannel lock;
  private final int discarded;

  private CheckpointWriter(Path out, Path partial, Checkpoint source, FileChannel lock, int discarded) {
    this.out = out;
    this.partial = partial;
    this.source = source;
    this.lock = lock;
    this.discarded = discarded;
  }

  /**
   * Begins, or goes on with, writing {@code out}.
   *
   * @param task everything that determines the result; blocks of another task are discarded
   * @param resume whether to keep finished blocks of the same task
   * @throws CheckpointException if {@code out} exists and is not an empty directory, cannot be written, or is being written
   */
  public static CheckpointWriter open(Path out, Checkpoint source, Map<String, Object> task, boolean resume) throws IOException {
    requireFree(out);
    Path absolute = place(out);
    Path partial = partial(absolute);
    try {
      Files.createDirectories(partial);
      FileChannel lock = lock(partial);
      try {
        byte[] description = Json.writePretty(task).getBytes(StandardCharsets.UTF_8);
        Path file = partial.resolve(TASK);
        int discarded = 0;
        if (!resume || !Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), description)) {
          discarded = resume ? shards(partial) : 0;
          discard(partial);
          writeWhole(file, description);
        }
        return new CheckpointWriter(absolute, partial, source, lock, discarded);
      } catch (Throwable e) {
        lock.close();
        throw e;
      }
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new CheckpointException(partial + ": cannot be written: " + reason(e) + "; choose another place", e);
    }
  }

  /** Held until it is closed, which the end of the process does, too. */
  private static FileChannel lock(Path partial) throws IOException {
    FileChannel channel = FileChannel.open(partial.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      // within this process
    }
    channel.close();
    throw new CheckpointException(partial + ": is being written by another run; wait for its end, or choose another name");
  }

  private static int shards(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return 0;
    }
    try (Stream<Path> list = Files.list(directory)) {
      return (int) list.filter(file -> file.toString().endsWith(".safetensors")).count();
    }
  }

  /** Under that name there is never a part of the file. */
  private static void writeWhole(Path file, byte[] content) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + TEMPORARY);
    Files.write(temporary, content);
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** How many blocks of another task an unfinished run had left, which are gone. */
  public int discarded() {
    return discarded;
  }

  /**
   * Whether {@link #open} would take {@code out}, before any work is done for it.
   *
   * @throws CheckpointException if it exists and is not an empty directory, or if what lies where an unfinished run leaves its blocks is
   *     not from one
   */
  public static void requireFree(Path out) throws IOException {
    Path absolute = place(out);
    if (absolute.getFileName() == null) {
      throw new CheckpointException(out + ": expected the name of a new directory, found the root");
    }
    if (Files.exists(absolute) && !isEmptyDirectory(absolute)) {
      throw new CheckpointException(out + ": exists and is not an empty directory; remove it or choose another name");
    }
    requireOurs(partial(absolute));
    Path there = absolute.getParent();
    while (!Files.exists(there)) {
      there = there.getParent();
    }
    if (!Files.isDirectory(there) || !Files.isWritable(there)) {
      throw new CheckpointException(out + ": cannot be written: " + (Files.isDirectory(there) ? there + ": permission denied"
          : there + " is a file") + "; choose another place");
    }
  }

  /** Where a directory is, and not a link to it, which a rename would replace. */
  private static Path place(Path out) throws IOException {
    Path absolute = out.toAbsolutePath().normalize();
    if (!Files.isSymbolicLink(absolute)) {
      return absolute;
    }
    if (!Files.exists(absolute)) {
      throw new CheckpointException(out + ": is a link to nothing; remove it or choose another name");
    }
    return absolute.toRealPath();
  }

  /** Nothing, or files of an unfinished run alone. */
  private static void requireOurs(Path partial) throws IOException {
    if (!Files.exists(partial)) {
      return;
    }
    String other = "a file";
    if (Files.isDirectory(partial)) {
      try (Stream<Path> list = Files.list(partial)) {
        List<String> names = list.map(file -> file.getFileName().toString()).toList();
        other = names.contains(TASK) ? names.stream().filter(name -> !isOurs(name)).findFirst().orElse("")
            : names.stream().filter(name -> !name.equals(LOCK) && !name.equals(TASK + TEMPORARY)).findFirst().orElse("");
      }
    }
    if (!other.isEmpty()) {
      throw new CheckpointException(partial + ": expected nothing or what an unfinished run left, found " + other
          + "; remove it or choose another name");
    }
  }

  /** Whether a run writes files of that name. */
  private static boolean isOurs(String name) {
    String whole = name.endsWith(TEMPORARY) ? name.substring(0, name.length() - TEMPORARY.length()) : name;
    return List.of(LOCK, TASK, CONFIG, MEASURED, INDEX).contains(whole) || COPIED.contains(whole)
        || whole.matches("measured-\\d+\\.json|model-\\d+-of-\\d+\\.safetensors");
  }

  private static Path partial(Path out) {
    return out.resolveSibling(out.getFileName() + ".partial");
  }

  private static boolean isEmptyDirectory(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> list = Files.list(path)) {
      return list.findAny().isEmpty();
    }
  }

  /** How many blocks, from the first, an earlier run of the same task left whole. */
  public int finishedBlocks() throws IOException {
    int blocks = 0;
    try (Arena arena = Arena.ofShared()) {
      while (blocks < source.config().blocks() && Files.exists(shard(blocks)) && Files.exists(measuredFile(blocks))) {
        open(blocks, arena);
        measured(blocks);
        blocks++;
      }
    } catch (CheckpointException e) {
      // this block is not whole: it is written anew
    }
    return blocks;
  }

  private TensorTable open(int block, Arena arena) throws IOException {
    Safetensors file = Safetensors.open(shard(block), arena);
    Map<String, Safetensors> tensors = new LinkedHashMap<>();
    file.entries().keySet().forEach(name -> tensors.put(name, file));
    Checksums.verify(tensors);
    return new TensorTable(partial, tensors, source.config(), true);
  }

  /**
   * Reads a finished block.
   *
   * @param neuron who encodes its activations, or null
   * @param arena as long as which the block's tensors live
   */
  public Block read(int index, NeuronModel neuron, Arena arena) throws IOException {
    return new PackedReader(open(index, arena), neuron).block(Checkpoint.prefix(index));
  }

  /** What was measured of a finished block, as it was given to {@link #write}. */
  public Map<String, Object> measured(int index) throws IOException {
    return Json.readObject(measuredFile(index));
  }

  /**
   * Appends a block.
   *
   * @param measured what was measured while it was made, kept in {@code measured.json}
   */
  public void write(int index, Block block, Map<String, Object> measured) throws IOException {
    try {
      writeWhole(measuredFile(index), Json.write(measured).getBytes(StandardCharsets.UTF_8));
      SafetensorsWriter.write(shard(index), PackedWriter.block(Checkpoint.prefix(index), block));
    } catch (IOException e) {
      throw new CheckpointException(shard(index) + ": cannot be written: " + reason(e)
          + "; finished blocks are kept, run the same command again", e);
    }
  }

  /** Bytes of the blocks' tensors written so far. */
  public long blockBytes() throws IOException {
    long sum = 0;
    try (Arena arena = Arena.ofShared()) {
      for (int i = 0; i < source.config().blocks() && Files.exists(shard(i)); i++) {
        for (Safetensors.Entry entry : Safetensors.open(shard(i), arena).entries().values()) {
          sum += entry.end() - entry.begin();
        }
      }
    }
    return sum;
  }

  /**
   * Writes embeddings, norm and head, the configuration and the tokenizer, and gives the checkpoint its name.
   *
   * @param head the head in the source's type or quantized
   * @param quantization the {@code quantization_config} of config.json, without its {@code quant_method}
   * @return bytes of the checkpoint
   */
  public long finish(LinearWeight head, Map<String, Object> quantization) throws IOException {
    try {
      writeEnds(head);
      writeIndex();
      writeMeasured();
      Map<String, Object> config = new LinkedHashMap<>(source.config().json());
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("quant_method", "spikellm");
      described.put("format_version", PackedFormat.VERSION);
      described.putAll(quantization);
      config.put("quantization_config", described);
      Files.writeString(partial.resolve(CONFIG), Json.writePretty(config));
      for (String name : COPIED) {
        Path file = source.directory().resolve(name);
        if (Files.exists(file)) {
          Files.copy(file, partial.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      Files.deleteIfExists(out);
      Files.move(partial, out, StandardCopyOption.ATOMIC_MOVE);
      // Only now: a run that ends before the move finds all its blocks again.
      for (int i = 0; i < source.config().blocks(); i++) {
        Files.delete(out.resolve(measuredFile(i).getFileName()));
      }
      Files.delete(out.resolve(TASK));
      Files.delete(out.resolve(LOCK));
      return size(out);
    } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
      throw new CheckpointException(out + ": came into being while the checkpoint was written; the result is in " + partial, e);
    } catch (IOException e) {
      throw new CheckpointException(partial + ": cannot be written: " + reason(e), e);
    }
  }

  private void writeEnds(LinearWeight head) throws IOException {
    Map<String, Tensor> ends = new LinkedHashMap<>();
    ends.put("model.embed_tokens.weight", source.embeddings());
    ends.put("model.norm.weight", source.finalNorm());
    switch (head) {
      case DenseWeight dense when source.config().tiedEmbeddings() -> { }
      case DenseWeight dense -> ends.put("lm_head.weight", dense.values());
      case QuantizedWeight quantized -> PackedWriter.weight(ends, "lm_head.", quantized);
      case PartlyBinaryWeight binary -> throw new IllegalArgumentException("head: expected dense or coded values, found partly binary ones");
    }
    SafetensorsWriter.write(shard(source.config().blocks()), ends);
  }

  private void writeIndex() throws IOException {
    Map<String, Object> map = new LinkedHashMap<>();
    long bytes = 0;
    try (Arena arena = Arena.ofShared()) {
      for (int shard = 0; shard <= source.config().blocks(); shard++) {
        Safetensors file = Safetensors.open(shard(shard), arena);
        for (Safetensors.Entry entry : file.entries().values()) {
          map.put(entry.name(), file.file().getFileName().toString());
          bytes += entry.end() - entry.begin();
        }
      }
    }
    Map<String, Object> index = new LinkedHashMap<>();
    index.put("metadata", Map.of("total_size", bytes));
    index.put("weight_map", map);
    Files.writeString(partial.resolve(INDEX), Json.writePretty(index));
  }

  private void writeMeasured() throws IOException {
    List<Map<String, Object>> blocks = new ArrayList<>();
    for (int i = 0; i < source.config().blocks(); i++) {
      blocks.add(measured(i));
    }
    Files.writeString(partial.resolve(MEASURED), Json.write(Map.of("blocks", blocks)));
  }

  private Path measuredFile(int block) {
    return partial.resolve("measured-%05d.json".formatted(block + 1));
  }

  private Path shard(int index) {
    int shards = source.config().blocks() + 1;
    return partial.resolve("model-%05d-of-%05d.safetensors".formatted(index + 1, shards));
  }

  private static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException denied -> "permission denied";
      case NoSuchFileException place -> "its directory takes no new ones";
      case FileSystemException system when system.getReason() != null -> system.getReason();
      default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    };
  }

  private static long size(Path directory) throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      long sum = 0;
      for (Path file : list.toList()) {
        sum += Files.size(file);
      }
      return sum;
    }
  }

  /** Deletes what an unfinished run left. */
  private static void discard(Path partial) throws IOException {
    requireOurs(partial);
    try (Stream<Path> list = Files.list(partial)) {
      for (Path file : list.filter(file -> !file.endsWith(LOCK)).toList()) {
        Files.delete(file);
      }
    }
  }

  /** Lets others write there. */
  @Override
  public void close() throws IOException {
    lock.close();
  }
}
