package org.spikellm.launcher.workflow;

import org.spikellm.model.Decoder;
import org.spikellm.model.KvCache;

/** A model on a backend, ready to be measured. */
final class BenchSubject {

  private final OpenBackend backend;
  private final String format;
  private final TokenWork work;
  private final int wholeBlocks;
  private final double loadSeconds;
  private final Decoder decoder;
  private final Decoder ends;
  private KvCache cache;
  private KvCache noCache;

  /**
   * A subject.
   *
   * @param wholeBlocks blocks of the whole model, of which {@code decoder} may have fewer
   * @param loadSeconds what preparing took
   * @param ends the same model without blocks (embeddings, norm and head), whose time extrapolation must not multiply; null where
   *     all blocks are there
   */
  BenchSubject(OpenBackend backend, String format, TokenWork work, int wholeBlocks, double loadSeconds, Decoder decoder,
      Decoder ends) {
    this.backend = backend;
    this.format = format;
    this.work = work;
    this.wholeBlocks = wholeBlocks;
    this.loadSeconds = loadSeconds;
    this.decoder = decoder;
    this.ends = ends;
  }

  /**
   * How long one run took.
   *
   * @param prompt seconds of the prompt, from an empty cache to the logits after its last token
   * @param generate seconds of the tokens after it, one by one, each to its logits
   */
  record Times(double prompt, double generate) {

    /** From these times of some blocks, those of {@code factor} times as many, where {@code ends} is what does not grow. */
    Times stretched(Times ends, double factor) {
      return new Times(ends.prompt + (prompt - ends.prompt) * factor, ends.generate + (generate - ends.generate) * factor);
    }
  }

  /** One run of the blocks that there are. */
  Times run(int[] prompt, int[] next) {
    if (cache == null || cache.capacity() < prompt.length + next.length) {
      cache = decoder.newCache(prompt.length + next.length);
    }
    return time(decoder, cache, prompt, next);
  }

  /** The same, stretched to the whole model. */
  Times whole(Times measured, int[] prompt, int[] next) {
    if (!extrapolates()) {
      return measured;
    }
    if (noCache == null || noCache.capacity() < prompt.length + next.length) {
      noCache = ends.newCache(prompt.length + next.length);
    }
    return measured.stretched(time(ends, noCache, prompt, next), (double) wholeBlocks / work.blocks());
  }

  private static Times time(Decoder decoder, KvCache cache, int[] prompt, int[] next) {
    cache.truncate(0);
    long began = System.nanoTime();
    decoder.nextLogits(prompt, cache);
    long read = System.nanoTime();
    for (int token : next) {
      decoder.nextLogits(new int[] {token}, cache);
    }
    return new Times((read - began) / 1e9, (System.nanoTime() - read) / 1e9);
  }

  OpenBackend backend() {
    return backend;
  }

  String format() {
    return format;
  }

  TokenWork work() {
    return work;
  }

  int wholeBlocks() {
    return wholeBlocks;
  }

  double loadSeconds() {
    return loadSeconds;
  }

  int vocabulary() {
    return decoder.config().vocabulary();
  }

  /** Whether not all blocks of the model are there. */
  boolean extrapolates() {
    return work.blocks() < wholeBlocks;
  }
}
