package org.spikellm.model;

import java.lang.foreign.Arena;
import org.spikellm.api.Block;

/**
 * A block of a checkpoint in a mapping of its own.
 *
 * @param block valid until this is closed
 * @param arena the mapping
 */
public record MappedBlock(Block block, Arena arena) implements AutoCloseable {

  @Override
  public void close() {
    arena.close();
  }
}
