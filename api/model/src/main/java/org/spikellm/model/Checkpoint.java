package org.spikellm.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.spikellm.api.Block;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/**
 * A model's directory in the Hugging Face layout, memory-mapped: config.json and *.safetensors, with an index or without. Blocks are
 * read one by one; their tensors are views that live until this is closed.
 */
public final class Checkpoint implements AutoCloseable {

  private static final String INDEX = "model.safetensors.index.json";
  private static final String EMBEDDINGS = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  private final Path directory;
  private final ModelConfig config;
  private final Arena arena;
  private final TensorTable tensors;
  private final PackedReader packed;

  private Checkpoint(Path directory, ModelConfig config, Arena arena, TensorTable tensors, PackedReader packed) {
    this.directory = directory;
    this.config = config;
    this.arena = arena;
    this.tensors = tensors;
    this.packed = packed;
  }

  /**
   * Opens a float or packed checkpoint.
   *
   * @param neurons finds the neuron that a packed checkpoint names
   * @throws CheckpointException if something in it is missing or wrong
   */
  public static Checkpoint open(Path directory, NeuronLookup neurons) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new CheckpointException(directory + ": expected a directory with config.json and *.safetensors, found "
          + (Files.exists(directory) ? "a file" : "nothing"));
    }
    ModelConfig config = ModelConfig.read(directory.resolve("config.json"));
    Arena arena = Arena.ofShared();
    try {
      Map<String, Safetensors> byName = new LinkedHashMap<>();
      for (Path file : files(directory)) {
        Safetensors opened = Safetensors.open(file, arena);
        for (String name : opened.entries().keySet()) {
          Safetensors other = byName.putIfAbsent(name, opened);
          if (other != null) {
            throw new CheckpointException(file + ": tensor '" + name + "' is also in " + other.file().getFileName()
                + "; remove one of the files");
          }
        }
      }
      if (config.packed()) {
        Checksums.verify(byName);
      }
      TensorTable tensors = new TensorTable(directory, byName, config, config.packed());
      PackedReader packed = config.packed() ? PackedReader.of(tensors, neurons) : null;
      Checkpoint checkpoint = new Checkpoint(directory, config, arena, tensors, packed);
      checkpoint.checkEnds();
      return checkpoint;
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /**
   * The same float checkpoint in a mapping of its own: what is read through it stops being resident when it is closed.
   */
  public Checkpoint remap() throws IOException {
    Arena own = Arena.ofShared();
    try {
      Map<String, Safetensors> byName = new LinkedHashMap<>();
      for (Path file : files(directory)) {
        Safetensors opened = Safetensors.open(file, own);
        opened.entries().keySet().forEach(name -> byName.put(name, opened));
      }
      TensorTable table = new TensorTable(directory, byName, config, tensors.finite());
      return new Checkpoint(directory, config, own, table, packed);
    } catch (Throwable e) {
      own.close();
      throw e;
    }
  }

  private static List<Path> files(Path directory) throws IOException {
    Path index = directory.resolve(INDEX);
    if (Files.exists(index)) {
      if (!(Json.readObject(index).get("weight_map") instanceof Map<?, ?> map) || map.isEmpty()) {
        throw new CheckpointException(index + ": expected a weight_map of tensor names to files");
      }
      List<String> names = map.values().stream().map(String::valueOf).distinct().sorted().toList();
      for (String name : names) {
        if (name.isEmpty() || name.contains("/") || name.contains("\\") || name.startsWith(".") || name.indexOf('\0') >= 0) {
          throw new CheckpointException(index + ": expected names of files beside it, found '" + name + "'");
        }
        if (!Files.isRegularFile(directory.resolve(name))) {
          throw new CheckpointException(index + " names " + name + ", which is not there; fetch the missing shard");
        }
      }
      return names.stream().map(directory::resolve).toList();
    }
    try (Stream<Path> list = Files.list(directory)) {
      List<Path> found = list.filter(p -> p.getFileName().toString().endsWith(".safetensors")).sorted().toList();
      if (found.isEmpty()) {
        throw new CheckpointException(directory + ": expected *.safetensors, found none; convert the checkpoint to safetensors");
      }
      return found;
    }
  }

  /** The embeddings, final norm and head are there and fit; blocks are checked as they are read. */
  private void checkEnds() throws CheckpointException {
    embeddings();
    finalNorm();
    head();
  }

  /** The directory. */
  public Path directory() {
    return directory;
  }

  /** What config.json says. */
  public ModelConfig config() {
    return config;
  }

  /** The token embeddings, [vocabulary, hidden] in the file's type. */
  public Tensor embeddings() throws CheckpointException {
    String name = tensors.has(EMBEDDINGS) || !config.tiedEmbeddings() ? EMBEDDINGS : HEAD;
    return tensors.floating(name, config.vocabulary(), config.block().hidden());
  }

  /** The norm before the head, F32 [1, hidden]. */
  public Tensor finalNorm() throws CheckpointException {
    return tensors.norm("model.norm");
  }

  /** The head, [vocabulary, hidden]: the embeddings where they are tied. */
  public LinearWeight head() throws CheckpointException {
    if (packed != null && tensors.has("lm_head.classes")) {
      return packed.weight("lm_head.", config.vocabulary(), config.block().hidden());
    }
    return new DenseWeight(config.tiedEmbeddings() ? embeddings() : tensors.floating(HEAD, config.vocabulary(), config.block().hidden()));
  }

  /**
   * Block {@code index}, from 0.
   *
   * @throws CheckpointException if a tensor is missing, has the wrong shape or type, or holds a value that is not finite
   */
  public Block block(int index) throws CheckpointException {
    String prefix = prefix(index);
    if (packed != null) {
      return packed.block(prefix);
    }
    EnumMap<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      String name = prefix + projection.tensorName();
      Tensor weight = tensors.floating(name + ".weight", config.block().rows(projection), config.block().columns(projection));
      linears.put(projection, new Block.Linear(new DenseWeight(weight), tensors.bias(prefix, projection), null));
    }
    return new Block(config.block(), linears, tensors.norm(prefix + "input_layernorm"),
        tensors.norm(prefix + "post_attention_layernorm"), null);
  }

  static String prefix(int index) {
    return "model.layers." + index + ".";
  }

  /** What made a packed checkpoint, as stored in its config.json; empty for a float one. */
  public Map<String, Object> quantization() {
    @SuppressWarnings("unchecked")
    Map<String, Object> map = (Map<String, Object>) config.json().getOrDefault("quantization_config", Map.of());
    return map;
  }

  /** Bytes of all tensors. */
  public long tensorBytes() {
    return bytes("");
  }

  /** Bytes of the blocks' tensors. */
  public long blockBytes() {
    return bytes("model.layers.");
  }

  private long bytes(String prefix) {
    return tensors.files().entrySet().stream().filter(e -> e.getKey().startsWith(prefix))
        .mapToLong(e -> e.getValue().bytes(e.getKey()).byteSize()).sum();
  }

  /** Every tensor's entry, with the file it is in. */
  public Map<String, Safetensors> files() {
    return Collections.unmodifiableMap(tensors.files());
  }

  /** Unmaps the files; tensors read from them must not be used afterwards. */
  @Override
  public void close() {
    arena.close();
  }
}
