package org.spikellm.launcher.registry;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.SalienceDetector;

/** Asks the service loader for the program's own providers, one at a time, so that one that fails does not hide the others. */
final class ServiceScan {

  private ServiceScan() {}

  static List<Listing> providers(Kind kind) {
    List<Listing> found = new ArrayList<>();
    Iterator<? extends ServiceLoader.Provider<? extends Provider>> services = loader(kind).stream().iterator();
    while (true) {
      try {
        if (!services.hasNext()) {
          return found;
        }
        ServiceLoader.Provider<? extends Provider> service = services.next();
        found.add(Listing.load(kind, service.type().getName(), Origin.of(service.type().getModule()), service::get));
      } catch (ServiceConfigurationError | LinkageError e) {
        found.add(Listing.failed(kind, "?", new Origin(Origin.Way.BOOT, "a module", null, null), Listing.reason(e)));
      }
    }
  }

  /** Only code in this module may load services that this module uses; each kind is named because {@code uses} is static. */
  private static ServiceLoader<? extends Provider> loader(Kind kind) {
    ModuleLayer layer = ServiceScan.class.getModule().getLayer();
    if (layer != null) {
      return ServiceLoader.load(layer, kind.type());
    }
    return switch (kind) {
      case BACKEND -> ServiceLoader.load(ComputeBackend.class);
      case NEURON -> ServiceLoader.load(NeuronModel.class);
      case DETECTOR -> ServiceLoader.load(SalienceDetector.class);
      case PIPELINE -> ServiceLoader.load(QuantizationPipeline.class);
    };
  }
}
