package org.spikellm.backend.nativecode;

import com.sun.jna.FunctionMapper;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Locale;
import java.util.Map;

/**
 * The functions of the library, as src/main/c explains them: {@code spikellm_rms_norm} is {@code rmsNorm} here. Sessions, weights
 * and addresses are 64-bit integers, so that a call copies nothing; who calls keeps the memory alive. Functions that return an
 * int return 1 where memory ran out, else 0.
 */
final class Kernels {

  static {
    FunctionMapper names = (library, method) ->
        "spikellm_" + method.getName().replaceAll("[A-Z]", "_$0").toLowerCase(Locale.ROOT);
    Native.register(Kernels.class, library(Map.of(Library.OPTION_FUNCTION_MAPPER, names)));
  }

  /** The library that was built with this class, whatever others of its name the machine has: only they know each other's structures. */
  private static NativeLibrary library(Map<String, ?> options) {
    try {
      boolean packed = !"file".equals(Kernels.class.getResource(NativeBackend.RESOURCE).getProtocol());
      File file = Native.extractFromResourcePath(NativeBackend.RESOURCE, Kernels.class.getClassLoader());
      NativeLibrary library = NativeLibrary.getInstance(file.getAbsolutePath(), options);
      if (packed) {
        Files.deleteIfExists(file.toPath());
      }
      return library;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Kernels() {}

  /** The best instructions that this processor has. */
  static Instructions best() {
    return Instructions.values()[level()];
  }

  private static native int level();

  static native long open(int threads, int level);

  static native void close(long session);

  static native long prepare(long session, int rows, int classes, long order, long description);

  static native int spikes(long weight, int tokens, int planes, long plane, int shorts, long thetas, long zeros, long out);

  static native int floats(long weight, int tokens, long x, long out);

  static native int matmul(long session, long a, long b, int type, int m, int n, int k, long out);

  static native void rmsNorm(long session, long x, long weight, float epsilon, int rows, int columns, long out);

  static native void rope(long session, long x, int rows, int columns, int head, long table);

  static native void softmax(long session, long x, int rows, int columns);

  static native void swiglu(long session, long gate, long up, int rows, int columns, long out);

  static native int encode(long session, long x, int tokens, int channels, long order, int classes, long levels, long counts,
      int shorts, int offset, long thetas, long zeros);

  static native int attention(long session, long queries, int tokens, int heads, int kvHeads, int head, int capacity,
      int position, int type, int low, long keys, long values, long ranges, long valueThetas, long valueZeros, long out);

  static native long decoder(long session, long model);

  static native void decoderClose(long decoder);

  static native int decode(long decoder, long cache, int capacity, long x, int tokens, int position, long rope, long logits);
}
