package org.spikellm.model;

import java.util.EnumMap;
import java.util.Map;
import org.spikellm.api.BlockShape;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** What a float block shows of itself on the calibration stream: the inputs of its linear layers, its keys and values. */
public final class BlockStatistics implements BlockObserver {

  private final Map<Projection.Source, InputAccumulator> inputs = new EnumMap<>(Projection.Source.class);
  private final AttentionStatistics attention;

  /** @param withGram whether the Grams of the inputs are wanted */
  public BlockStatistics(BlockShape shape, Session session, boolean withGram) {
    for (Projection.Source source : Projection.Source.values()) {
      inputs.put(source, new InputAccumulator(session, shape.columns(source), withGram));
    }
    attention = new AttentionStatistics(shape);
  }

  @Override
  public void input(Projection.Source source, Tensor x) {
    inputs.get(source).add(x);
  }

  @Override
  public void attention(Tensor queries, Tensor keys, Tensor out) {
    attention.add(queries, keys, out);
  }

  /** Statistics of each projection's input; projections of one source share them. */
  public Map<Projection, InputStatistics> inputs() {
    Map<Projection.Source, InputStatistics> bySource = new EnumMap<>(Projection.Source.class);
    inputs.forEach((source, accumulator) -> bySource.put(source, accumulator.statistics()));
    Map<Projection, InputStatistics> result = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      result.put(projection, bySource.get(projection.source()));
    }
    return result;
  }

  /** Smallest key of each (kv head, channel), after RoPE. */
  public float[] keyLow() {
    return attention.keyLow();
  }

  /** Largest key of each (kv head, channel), after RoPE. */
  public float[] keyHigh() {
    return attention.keyHigh();
  }

  /** Salience of each (kv head, channel) of the keys. */
  public float[] keySalience() {
    return attention.keySalience();
  }

  /** Salience of each (kv head, channel) of the values. */
  public float[] valueSalience() {
    return attention.valueSalience();
  }
}
