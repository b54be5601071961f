package org.spikellm.model;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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

  private final Path out;
  private final Path partial;
  private final Checkpoint source;
  private final Closeable lock;
  private final int discarded;

  private CheckpointWriter(Path out, Path partial, Checkpoint source, Closeable lock, int discarded) {
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
    UnfinishedCheckpoint unfinished = UnfinishedCheckpoint.of(out);
    unfinished.requireFree();
    Path partial = unfinished.directory();
    try {
      Files.createDirectories(partial);
      Closeable lock = unfinished.lock();
      try {
        byte[] description = Json.writePretty(task).getBytes(StandardCharsets.UTF_8);
        Path file = partial.resolve(UnfinishedCheckpoint.TASK);
        int discarded = 0;
        if (!resume || !Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), description)) {
          int shards = unfinished.discard();
          discarded = resume ? shards : 0;
          writeWhole(file, description);
        }
        return new CheckpointWriter(unfinished.out(), partial, source, lock, discarded);
      } catch (Throwable e) {
        lock.close();
        throw e;
      }
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new CheckpointException(partial + ": cannot be written: " + OutputPlace.reason(e) + "; choose another place", e);
    }
  }

  /** Under that name there is never a part of the file. */
  private static void writeWhole(Path file, byte[] content) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + UnfinishedCheckpoint.TEMPORARY);
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
    UnfinishedCheckpoint.of(out).requireFree();
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
      throw new CheckpointException(shard(index) + ": cannot be written: " + OutputPlace.reason(e)
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
      Files.writeString(partial.resolve(UnfinishedCheckpoint.CONFIG), Json.writePretty(config));
      for (String name : UnfinishedCheckpoint.COPIED) {
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
      Files.delete(out.resolve(UnfinishedCheckpoint.TASK));
      Files.delete(out.resolve(UnfinishedCheckpoint.LOCK));
      return size(out);
    } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
      throw new CheckpointException(out + ": came into being while the checkpoint was written; the result is in " + partial, e);
    } catch (IOException e) {
      throw new CheckpointException(partial + ": cannot be written: " + OutputPlace.reason(e), e);
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
    Files.writeString(partial.resolve(UnfinishedCheckpoint.INDEX), Json.writePretty(index));
  }

  private void writeMeasured() throws IOException {
    List<Map<String, Object>> blocks = new ArrayList<>();
    for (int i = 0; i < source.config().blocks(); i++) {
      blocks.add(measured(i));
    }
    Files.writeString(partial.resolve(UnfinishedCheckpoint.MEASURED), Json.write(Map.of("blocks", blocks)));
  }

  private Path measuredFile(int block) {
    return partial.resolve("measured-%05d.json".formatted(block + 1));
  }

  private Path shard(int index) {
    int shards = source.config().blocks() + 1;
    return partial.resolve("model-%05d-of-%05d.safetensors".formatted(index + 1, shards));
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

  /** Lets others write there. */
  @Override
  public void close() throws IOException {
    lock.close();
  }
}
