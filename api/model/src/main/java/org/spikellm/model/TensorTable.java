package org.spikellm.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/**
 * The tensors of some files by name, checked as they are asked for.
 *
 * @param where the directory, for errors
 * @param files the file that holds each tensor
 * @param config the sizes they must have
 * @param finite whether large floating tensors are known to be finite, since they were scanned before they got checksums
 */
record TensorTable(Path where, Map<String, Safetensors> files, ModelConfig config, boolean finite) {

  /** Elements of a tensor that is scanned in any case, as one that somebody else may have made: scales, norms, ranges. */
  private static final long SMALL = 1 << 23;

  /** The tensors whose names {@code wanted} accepts. */
  TensorTable select(Predicate<String> wanted) {
    Map<String, Safetensors> selected = new LinkedHashMap<>(files);
    selected.keySet().removeIf(wanted.negate());
    return new TensorTable(where, selected, config, finite);
  }

  /** The same tensors in mappings that live as long as {@code arena}. */
  TensorTable remap(Arena arena) throws IOException {
    Map<Safetensors, Safetensors> mapped = new IdentityHashMap<>();
    for (Safetensors file : files.values()) {
      if (!mapped.containsKey(file)) {
        mapped.put(file, file.remap(arena));
      }
    }
    Map<String, Safetensors> tensors = new LinkedHashMap<>(files);
    tensors.replaceAll((name, file) -> mapped.get(file));
    return new TensorTable(where, tensors, config, finite);
  }

  /** Has the system read them, in large pieces and before they are asked for. */
  void load() {
    files.forEach((name, file) -> file.bytes(name).load());
  }

  boolean has(String name) {
    return files.containsKey(name);
  }

  /** Tensor {@code name} of any type and shape. */
  Tensor tensor(String name) throws CheckpointException {
    Safetensors file = files.get(name);
    if (file == null) {
      throw new CheckpointException(where + ": tensor '" + name + "' is missing; is the download complete?");
    }
    return file.tensor(name);
  }

  /** Tensor {@code name} of any type, checked for its shape. */
  Tensor tensor(String name, int rows, int columns) throws CheckpointException {
    Tensor tensor = tensor(name);
    if (tensor.rows() != rows || tensor.columns() != columns) {
      throw new CheckpointException(files.get(name).file() + ": tensor '" + name + "' has shape [" + tensor.rows() + ", "
          + tensor.columns() + "], expected [" + rows + ", " + columns + "] from config.json");
    }
    return tensor;
  }

  /** Tensor {@code name}, checked for shape, floating type and finite values. */
  Tensor floating(String name, int rows, int columns) throws CheckpointException {
    Tensor tensor = tensor(name, rows, columns);
    Path file = files.get(name).file();
    if (!tensor.dtype().isFloating()) {
      throw new CheckpointException(file + ": tensor '" + name + "' is " + tensor.dtype()
          + ", expected F32, F16 or BF16; re-export the checkpoint in one of them");
    }
    long bad = finite && tensor.size() > SMALL ? -1 : FiniteCheck.firstNonFinite(tensor);
    if (bad >= 0) {
      int row = (int) (bad / columns);
      int column = (int) (bad % columns);
      throw new CheckpointException(file + ": tensor '" + name + "' holds " + tensor.getFloat(row, column) + " at [" + row + ", "
          + column + "], expected finite weights; fetch or export the checkpoint again");
    }
    return tensor;
  }

  /** A norm's weight, F32 [1, hidden], which outlives the files. */
  Tensor norm(String name) throws CheckpointException {
    return floating(name + ".weight", 1, config.block().hidden()).toF32();
  }

  /** The bias of a projection, F32 [1, rows], which outlives the files, or null where the model has none. */
  Tensor bias(String prefix, Projection projection) throws CheckpointException {
    boolean attention = projection.ordinal() <= Projection.O.ordinal();
    if (!(attention ? config.attentionBias() : config.mlpBias())) {
      return null;
    }
    return floating(prefix + projection.tensorName() + ".bias", 1, config.block().rows(projection)).toF32();
  }
}
