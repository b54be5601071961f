package org.spikellm.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
  private static final String BLOCKS = "model.layers.";
  private static final Pattern BLOCK = Pattern.compile("model\\.layers\\.(\\d+)\\.");
  private static final String EMBEDDINGS = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  private final Path directory;
  private final ModelConfig config;
  private final Arena arena;
  private final TensorTable tensors;
  private final PackedReader packed;
  private final List<MappedBlock> kept = new ArrayList<>();

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
      checkBlocks(directory, byName, config);
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

  /** The files have no blocks but those that the configuration tells of. */
  private static void checkBlocks(Path directory, Map<String, Safetensors> tensors, ModelConfig config) throws CheckpointException {
    for (Map.Entry<String, Safetensors> tensor : tensors.entrySet()) {
      Matcher name = BLOCK.matcher(tensor.getKey());
      if (name.lookingAt() && (name.group(1).length() > 9 || Integer.parseInt(name.group(1)) >= config.blocks())) {
        throw new CheckpointException(directory.resolve("config.json") + ": num_hidden_layers: expected more than " + name.group(1)
            + ", since " + tensor.getValue().file().getFileName() + " has tensor '" + tensor.getKey() + "', found " + config.blocks());
      }
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

  /** The embeddings, final norm and head are there, fit and are unaltered; blocks are checked as they are read. */
  private void checkEnds() throws IOException {
    if (packed != null) {
      try (Arena own = Arena.ofShared()) {  // so that the embeddings, of which few are used, are not resident afterwards
        Checksums.verify(tensors.select(name -> !name.startsWith(BLOCKS)).remap(own).files());
      }
    }
    embeddings();
    finalNorm();
    head();
  }

  /** Checks all tensors of a packed checkpoint against their checksums; those of a block are also checked when it is read. */
  public void verify() throws CheckpointException {
    if (packed != null) {
      Checksums.verify(tensors.files());
    }
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
   * @throws CheckpointException if a tensor is missing, was altered, has the wrong shape or type, or holds a value that is not finite
   */
  public Block block(int index) throws CheckpointException {
    return block(index, tensors.select(name -> name.startsWith(prefix(index))));
  }

  /** Block {@code index} in a mapping of its own: what is read of it stops being resident when that is closed. */
  public MappedBlock map(int index) throws IOException {
    Arena own = Arena.ofShared();
    try {
      TensorTable mapped = tensors.select(name -> name.startsWith(prefix(index))).remap(own);
      mapped.load();
      return new MappedBlock(block(index, mapped), own);
    } catch (Throwable e) {
      own.close();
      throw e;
    }
  }

  private Block block(int index, TensorTable tensors) throws CheckpointException {
    String prefix = prefix(index);
    if (packed != null) {
      Checksums.verify(tensors.files());
      return packed.in(tensors).block(prefix);
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
    return BLOCKS + index + ".";
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
    return bytes(BLOCKS);
  }

  /** Bytes of the head's tensors, which may be the embeddings. */
  public long headBytes() {
    return bytes(!tensors.has("lm_head.classes") && config.tiedEmbeddings() && tensors.has(EMBEDDINGS) ? EMBEDDINGS : "lm_head.");
  }

  private long bytes(String prefix) {
    return tensors.files().entrySet().stream().filter(e -> e.getKey().startsWith(prefix))
        .mapToLong(e -> e.getValue().bytes(e.getKey()).byteSize()).sum();
  }

  /** Every tensor's entry, with the file it is in. */
  public Map<String, Safetensors> files() {
    return Collections.unmodifiableMap(tensors.files());
  }

  /** Leaves a mapped block of this checkpoint open for as long as this is. */
  void keep(MappedBlock block) {
    kept.add(block);
  }

  /** Unmaps the files; tensors read from them must not be used afterwards. */
  @Override
  public void close() {
    kept.forEach(MappedBlock::close);
    arena.close();
  }
}
