package org.spikellm.backend.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Memory of prepared weights, until the session is closed. On Linux it lies in pages of 2 MB, where this module may call native
 * functions ({@code --enable-native-access}): of smaller pages the CPU looks up more, and fetches ahead no farther than to their ends.
 */
final class WeightMemory {

  private static final long PAGE = 2 << 20;

  /** Address space that is taken at a time; what is never written takes no memory. */
  private static final long STRETCH = 256 * PAGE;

  /** PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS and MADV_HUGEPAGE. */
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;
  private static final int HUGE_PAGES = 14;

  private final Arena arena;
  private final Mapping mapping = WeightMemory.class.getModule().isNativeAccessEnabled() ? Mapping.ofLinux() : null;
  private MemorySegment free = MemorySegment.NULL;

  WeightMemory(Arena arena) {
    this.arena = arena;
  }

  /** {@code bytes} bytes of 0. */
  synchronized MemorySegment allocate(long bytes, long alignment) {
    if (mapping == null) {
      return arena.allocate(bytes, alignment);
    }
    long skip = -free.address() & alignment - 1;
    if (free.byteSize() < skip + bytes) {
      free = mapping.map((Math.max(bytes, STRETCH) + PAGE - 1) / PAGE * PAGE, arena);
      if (free == null) {
        free = MemorySegment.NULL;
        return arena.allocate(bytes, alignment);
      }
      skip = 0;
    }
    MemorySegment memory = free.asSlice(skip, bytes);
    free = free.asSlice(skip + bytes);
    return memory;
  }

  /** Functions of Linux's C library. */
  @SuppressWarnings("restricted")
  private record Mapping(MethodHandle map, MethodHandle unmap, MethodHandle advise) {

    static Mapping ofLinux() {
      if (!System.getProperty("os.name").equals("Linux")) {
        return null;
      }
      Linker linker = Linker.nativeLinker();
      SymbolLookup system = linker.defaultLookup();
      ValueLayout.OfLong size = ValueLayout.JAVA_LONG;
      ValueLayout.OfInt number = ValueLayout.JAVA_INT;
      return new Mapping(
          linker.downcallHandle(system.findOrThrow("mmap"),
              FunctionDescriptor.of(size, size, size, number, number, number, size)),
          linker.downcallHandle(system.findOrThrow("munmap"), FunctionDescriptor.of(number, size, size)),
          linker.downcallHandle(system.findOrThrow("madvise"), FunctionDescriptor.of(number, size, size, number)));
    }

    /** Zeroed memory that begins with a large page, or null where the system has none. Without large pages it has small ones. */
    MemorySegment map(long bytes, Arena arena) {
      try {
        long address = (long) map.invokeExact(0L, bytes + PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
        if (address == -1) {
          return null;
        }
        long first = (address + PAGE - 1) / PAGE * PAGE;
        int _ = (int) advise.invokeExact(first, bytes, HUGE_PAGES);
        return MemorySegment.ofAddress(first).reinterpret(bytes, arena, memory -> unmap(address, bytes + PAGE));
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable t) {
        throw new IllegalStateException("mapping memory for weights", t);
      }
    }

    private void unmap(long address, long bytes) {
      try {
        int _ = (int) unmap.invokeExact(address, bytes);
      } catch (Throwable t) {
        throw new IllegalStateException("unmapping memory of weights", t);
      }
    }
  }
}
