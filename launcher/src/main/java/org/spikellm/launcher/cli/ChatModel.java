package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.spikellm.launcher.plugin.Plugins;
import org.spikellm.launcher.registry.ProviderFailure;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.model.SpikeMode;

/**
 * The model of a conversation while plug-ins come and go. A turn runs on the versions that it began with; before the next one the
 * model is opened again where a plug-in that it uses has changed.
 */
final class ChatModel implements AutoCloseable {

  private final Path directory;
  private final CommonOptions common;
  private final SpikeMode mode;
  private Registry registry;
  private Plugins.Lease lease;
  private int changes;
  private LoadedModel model;

  ChatModel(Path directory, CommonOptions common, SpikeMode mode) throws IOException {
    this.directory = directory;
    this.common = common;
    this.mode = mode;
    registry = common.registry();
    Plugins plugins = common.plugins();
    if (plugins != null) {
      lease = plugins.lease();
      registry = common.registry(lease.listings());
      changes = plugins.changes();
      plugins.watch(listings -> common.registry(listings), common::note);
    }
    try {
      model = open(registry);
    } catch (IOException | RuntimeException | Error e) {
      release();
      throw e;
    }
  }

  private LoadedModel open(Registry registry) throws IOException {
    LoadedModel opened = LoadedModel.open(directory, registry, common.backend, common.threads(), mode);
    common.tell(opened.neurons());
    return opened;
  }

  /**
   * The model for the next turn: another object than before where it was opened again.
   *
   * @throws IOException if a plug-in that it needs was removed; it may come back
   */
  LoadedModel current() throws IOException {
    Plugins plugins = common.plugins();
    if (plugins == null || plugins.changes() == changes) {
      return model == null ? again() : model;
    }
    changes = plugins.changes();
    Plugins.Lease next = plugins.lease();
    try {
      Registry newer = common.registry(next.listings());
      if (model == null || !registry.agreesWith(newer)) {
        exchange(newer);
      } else {
        newer.inPlaceOf(registry);
      }
      registry = newer;
      Plugins.Lease before = lease;
      lease = next;
      before.close();
    } catch (IOException | ProviderFailure e) {
      next.close();
      if (model == null) {
        throw e;
      }
      common.note(e.getMessage() + "; going on with what was there before");
    }
    return model;
  }

  private LoadedModel again() throws IOException {
    model = open(registry);
    return model;
  }

  /** The new model is opened before the old one is closed, so that a failure changes nothing; unless a plug-in of it is gone. */
  private void exchange(Registry newer) throws IOException {
    if (model != null && registry.lostIn(newer)) {
      model.close();
      model = null;
      letGo(newer);
    }
    LoadedModel opened = open(newer);
    if (model != null) {
      model.close();
    }
    model = opened;
    common.note("The model was opened again with the plug-ins of now.");
  }

  /** What was removed must not be held here. */
  private void letGo(Registry newer) {
    registry = newer;
    lease.close();
    lease = common.plugins().lease();
  }

  @Override
  public void close() {
    if (model != null) {
      model.close();
    }
    release();
  }

  private void release() {
    if (lease != null) {
      lease.close();
    }
  }
}
