package org.spikellm.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** The memory that a forward pass of up to {@code tokens} tokens works in; all blocks share one. */
final class Workspace {

  private final Arena arena = Arena.ofAuto();
  private final int tokens;
  final Tensor norm;
  final Tensor queries;
  final Tensor keys;
  final Tensor values;
  final Tensor attention;
  final Tensor hidden;
  final Tensor gate;
  final Tensor up;
  private final Tensor decoded;
  /** The last train of each encoding: a token after another makes no new ones. */
  private final Map<Encoding, SpikeTrain> trains = new IdentityHashMap<>();
  private MemorySegment planes = MemorySegment.NULL;

  Workspace(BlockShape shape, int tokens) {
    this.tokens = tokens;
    int queryChannels = shape.heads() * shape.headDim();
    int keyChannels = shape.kvHeads() * shape.headDim();
    norm = f32(shape.hidden());
    queries = f32(queryChannels);
    keys = f32(keyChannels);
    values = f32(keyChannels);
    attention = f32(queryChannels);
    hidden = f32(shape.hidden());
    gate = f32(shape.intermediate());
    up = f32(shape.intermediate());
    decoded = f32(Math.max(shape.intermediate(), Math.max(shape.hidden(), queryChannels)));
  }

  int tokens() {
    return tokens;
  }

  private Tensor f32(int columns) {
    return Tensor.allocate(arena, DType.F32, tokens, columns);
  }

  /** Room for a decoded input, F32 [rows, columns]. */
  Tensor decoded(int rows, int columns) {
    return new Tensor(DType.F32, rows, columns, decoded.segment().asSlice(0, 4L * rows * columns));
  }

  /** A train for {@code rows} rows; its planes are the same memory as any other's of this workspace. */
  SpikeTrain train(Encoding encoding, int rows) {
    SpikeTrain last = trains.get(encoding);
    if (last == null || last.tokens() != rows) {
      last = newTrain(encoding, rows);
      trains.put(encoding, last);
    }
    return last;
  }

  /** Lets go of the trains, where other encodings follow. */
  void forgetTrains() {
    trains.clear();
  }

  private SpikeTrain newTrain(Encoding encoding, int rows) {
    int channels = encoding.order().channels();
    int classes = encoding.order().classes();
    DType type = encoding.countType();
    long planeBytes = (long) rows * channels * type.bytes();
    long bytes = planeBytes * encoding.planes();
    if (planes.byteSize() < bytes) {
      planes = arena.allocate(bytes, 64);
    }
    List<Tensor> counts = IntStream.range(0, encoding.planes())
        .mapToObj(t -> new Tensor(type, rows, channels, planes.asSlice(t * planeBytes, planeBytes))).toList();
    return new SpikeTrain(encoding.order(), counts, Tensor.allocate(DType.F32, rows, classes),
        Tensor.allocate(DType.I32, rows, classes), encoding.offset());
  }
}
