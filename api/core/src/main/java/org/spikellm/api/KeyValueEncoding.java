package org.spikellm.api;

/**
 * How keys and values of one block become spikes (method.md §2). Arrays have one entry a (kv head, channel), index
 * {@code head * headDim + channel}; they are not copied and may not be changed.
 *
 * <p>Keys, after RoPE, have fixed ranges a channel, so that decoding with a cache gives the numbers of a full pass. Values and
 * queries take the range of each token and head. Queries have plain channels only.
 *
 * @param neuron who fires
 * @param plain dynamics of plain channels
 * @param salient dynamics of salient channels
 * @param collapsed whether counts are computed at once or step by step
 * @param keySalient which key channels are salient
 * @param keyLow smallest key of each channel over the calibration set
 * @param keyHigh largest key of each channel
 * @param valueSalient which value channels are salient
 */
public record KeyValueEncoding(NeuronModel neuron, Dynamics plain, Dynamics salient, boolean collapsed, boolean[] keySalient,
    float[] keyLow, float[] keyHigh, boolean[] valueSalient) {

  public KeyValueEncoding {
    if (plain.bidirectional() != salient.bidirectional()) {
      throw new IllegalArgumentException("key and value encoding: expected levels of both signs in plain and salient channels, or in neither, "
          + "found " + plain + " and " + salient);
    }
    int channels = keyLow.length;
    if (keySalient.length != channels || keyHigh.length != channels || valueSalient.length != channels) {
      throw new IllegalArgumentException("key and value encoding: expected arrays of equal length, found " + keySalient.length
          + ", " + channels + ", " + keyHigh.length + ", " + valueSalient.length);
    }
  }

  /** Key and value channels: kv heads times head dimension. */
  public int channels() {
    return keyLow.length;
  }

  /** The same encoding, run step by step through the neuron. */
  public KeyValueEncoding stepByStep() {
    return new KeyValueEncoding(neuron, plain, salient, false, keySalient, keyLow, keyHigh, valueSalient);
  }

  /** The dynamics of a plain or salient channel. */
  public Dynamics dynamics(boolean isSalient) {
    return isSalient ? salient : plain;
  }

  /** θ and zero point of key channel {@code channel}. */
  public SpikeRange keyRange(int channel) {
    return SpikeRange.of(keyLow[channel], keyHigh[channel], dynamics(keySalient[channel]));
  }

  /** Smallest spike count of any channel. */
  public int countLow() {
    return Math.min(plain.countLow(), salient.countLow());
  }

  /** Largest spike count of any channel. */
  public int countHigh() {
    return Math.max(plain.countHigh(), salient.countHigh());
  }

  /**
   * What is subtracted from a count where a cache is read and written: 128 where that makes the counts fit in a signed byte,
   * else 0.
   */
  public int offset() {
    return !plain.bidirectional() && countHigh() > Byte.MAX_VALUE && countHigh() <= 255 ? 128 : 0;
  }

  /** I8 where every count less the offset fits, else I16. */
  public DType countType() {
    return countLow() - offset() >= Byte.MIN_VALUE && countHigh() - offset() <= Byte.MAX_VALUE ? DType.I8 : DType.I16;
  }

  /** How the counts of a head of {@code headDim} channels lie in a cache. */
  public CountRow row(int headDim) {
    return CountRow.of(this, headDim);
  }
}
