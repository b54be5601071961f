package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.report.ReportFile;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.SpikeRaster;
import picocli.CommandLine.Option;

/** A page about what was measured, and what is shown on it. */
final class ReportOptions {

  /** Tokens of a prompt that a raster shows, at most. */
  private static final int RASTER_TOKENS = 128;

  @Option(names = "--report", paramLabel = "FILE.html",
      description = "Also write a page: figures, firing rates of every layer's channels, quality against energy, spikes of "
          + "a prompt.")
  private Path report;

  @Option(names = "--prompt", paramLabel = "TEXT", description = "With --report: whose spikes are shown. Default: a sentence.")
  private String prompt;

  @Option(names = "--raster", paramLabel = "BLOCK.LAYER",
      description = "With --report: before which layer they are seen, as 'cost --layers' names it. Default: 0.self_attn.q_proj.")
  private String raster;

  @Option(names = "--energy-table", paramLabel = "FILE",
      description = "JSON of picojoules an operation, with sources (docs/cost.md). Default: 45 nm, Horowitz 2014, without "
          + "memory.")
  private Path energyTable;

  /** The place of the page about models, found fit, or null where none is wanted. */
  ReportFile file(CommonOptions common, List<Path> models) throws IOException {
    if (report == null && (prompt != null || raster != null)) {
      throw common.wrong((prompt != null ? "--prompt" : "--raster") + ": expected --report with it, found none");
    }
    SpikeRaster.Place place = place(common);
    if (report == null) {
      return null;
    }
    ReportFile file = ReportFile.at(report);
    for (Path model : models) {
      place.requireIn(model);
    }
    return file;
  }

  EnergyTable energy() throws IOException {
    return energyTable == null ? EnergyTable.DEFAULT : EnergyTable.read(energyTable);
  }

  private SpikeRaster.Place place(CommonOptions common) {
    try {
      return SpikeRaster.Place.parse(raster == null ? "0.self_attn.q_proj" : raster);
    } catch (IllegalArgumentException e) {
      throw common.wrong("--raster: " + e.getMessage());
    }
  }

  /** The prompt's spikes in each model whose inputs are spikes. */
  Map<String, SpikeRaster> rasters(CommonOptions common, Registry registry, List<Path> models) throws IOException {
    Map<String, SpikeRaster> rasters = new LinkedHashMap<>();
    for (Path model : models) {
      SpikeRaster spikes = SpikeRaster.of(model, registry, common.backend, common.threads(),
          prompt == null ? "Once upon a time, there was a little girl who lived in a village near the forest." : prompt,
          RASTER_TOKENS,
          place(common));
      if (spikes != null) {
        rasters.put(model.toString(), spikes);
      }
    }
    return rasters;
  }
}
