package org.spikellm.backend.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The library's threads when one of them loses its core to another process. */
class PoolTest {

  /** The functions of the library that only tests call. */
  private static final class Checks {

    static {
      Native.register(Checks.class,
          NativeLibrary.getInstance("spikellm", Map.of(Library.OPTION_CLASSLOADER, Kernels.class.getClassLoader())));
    }

    /** Chunks that the caller ran of a loop on two threads, whose worker stopped within a chunk until the caller slept. */
    static native int spikellm_check_stalled_worker(int chunks);
  }

  /** Chunks are claimed, not dealt out; and who has nothing left to claim sleeps, so that the other may have the core. */
  @Test
  void theCallerFinishesWhatAStalledWorkerHasNotClaimedAndSleeps() {
    Sessions.open(Instructions.PLAIN, 1).close();
    for (int chunks : new int[] {2, 3, 64}) {
      assertEquals(chunks - 1, Checks.spikellm_check_stalled_worker(chunks), "chunks of the caller, of " + chunks);
    }
  }
}
