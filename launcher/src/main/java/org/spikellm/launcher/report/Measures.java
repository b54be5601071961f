package org.spikellm.launcher.report;

import java.util.List;
import java.util.Map;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.SpikeRaster;

/**
 * What was measured of models, for a page.
 *
 * @param title of the page
 * @param summary a sentence on it
 * @param program name and version of the program, and of the Java that ran it
 * @param tables in the order of the page
 * @param paretos models by energy and quality, a chart each; those of a single model are left out
 * @param energyTable name of the table that energy is estimated with
 * @param costs what models that spike did, by name
 * @param rasters spikes of a prompt, by model
 */
public record Measures(String title, String summary, String program, List<FigureTable> tables, List<Pareto> paretos,
    String energyTable, Map<String, Cost> costs, Map<String, SpikeRaster> rasters) {

  /** The page. */
  public String page() {
    return Sheet.of(title, summary, program, out -> {
      if (!tables.isEmpty()) {
        out.open("section", "id", "figures").element("h2", "Figures");
        tables.forEach(table -> table.write(out));
        out.close().line();
      }
      ParetoSection.write(out, paretos, energyTable);
      costs.forEach((model, cost) -> RateSection.write(out, model, cost));
      rasters.forEach((model, raster) -> RasterSection.write(out, model, raster));
    });
  }
}
