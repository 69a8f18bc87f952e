#include "analysis/expert_report_json.h"

#include <utility>
#include <vector>

#include "render/json_text.h"

namespace switchyard::analysis {
namespace {

template <typename Item, typename Convert>
std::vector<render::JsonObject> objects_of(const std::vector<Item>& items, const Convert& convert) {
  std::vector<render::JsonObject> objects;
  objects.reserve(items.size());
  for (const Item& item : items) {
    render::JsonObject object;
    convert(item, object);
    objects.push_back(std::move(object));
  }
  return objects;
}

render::JsonObject association_object(const Association& found) {
  render::JsonObject object;
  object.number("mutual_information", found.mutual_information)
      .number("corrected_information", found.corrected_information)
      .number("normalised_information", found.normalised_information())
      .number("expert_entropy", found.row_entropy)
      .number("other_entropy", found.column_entropy);
  return object;
}

render::JsonObject domains_object(const DomainAgreement& domains) {
  std::vector<render::JsonObject> names;
  for (size_t i = 0; i < domains.names.size(); ++i) {
    render::JsonObject name;
    name.text("name", domains.names[i]).number("share", domains.shares[i]);
    names.push_back(std::move(name));
  }
  render::JsonObject object;
  object.integer("pairs", domains.pairs)
      .number("purity", domains.purity)
      .number("purity_by_chance", domains.purity_by_chance)
      .number("normalised_information", domains.information)
      .number("normalised_information_by_chance", domains.information_by_chance)
      .number("most_normalised_information_by_chance", domains.most_information_by_chance)
      .objects("names", names);
  return object;
}

std::vector<render::JsonObject> spread_objects(const std::vector<WordSpread>& spreads) {
  return objects_of(spreads, [](const WordSpread& spread, render::JsonObject& object) {
    object.text("word", spread.word)
        .integer("count", spread.count)
        .number("expert_entropy", spread.entropy)
        .objects("experts", objects_of(spread.experts, [](const ExpertShare& share,
                                                          render::JsonObject& expert) {
                   expert.integer("expert", share.expert).number("share", share.share);
                 }));
  });
}

void add_expert(const ExpertPortrait& expert, render::JsonObject& object) {
  object.integer("expert", expert.expert)
      .integer("rows", expert.rows)
      .number("row_share", expert.row_share)
      .number("gate_share", expert.gate_share)
      .number("word_entropy", expert.word_entropy)
      .number("specialisation", expert.specialisation)
      .objects("contexts", objects_of(expert.contexts,
                                      [](const ContextText& context, render::JsonObject& out) {
                                        out.number("gate_weight", context.gate_weight)
                                            .integer("sentence", context.sentence)
                                            .text("before", context.before)
                                            .text("word", context.word)
                                            .text("after", context.after);
                                      }))
      .objects(
          "words",
          objects_of(
              expert.words,
              [](const FavouredWord& word, render::JsonObject& out) {
                out.text("word", word.word).integer("count", word.count).number("lift", word.lift);
              }))
      .numbers("place_lift", std::vector<float>(expert.place_lift.begin(), expert.place_lift.end()))
      .objects(
          "domains",
          objects_of(expert.domains, [](const NamedShare& share, render::JsonObject& out) {
            out.text("name", share.name).number("share", share.share).number("lift", share.lift);
          }));
}

}  // namespace

std::string layer_report_json(const ExpertReport& report, const LayerReport& layer) {
  render::JsonObject object = render::JsonObject::versioned();
  object.text("layer", layer.layer)
      .integer("step", report.step)
      .text("split", report.split)
      .integer("num_experts", layer.num_experts)
      .integer("top_k", layer.top_k)
      .integer("inputs", layer.num_inputs)
      .integer("pairs", layer.num_pairs)
      .integer("unused_experts", layer.num_unused)
      .number("cv_rows", layer.cv_rows)
      .number("max_over_mean_rows", layer.max_over_mean_rows)
      .object("words", association_object(layer.words))
      .object("places", association_object(layer.places))
      .texts("place_names", {kPlaceNames.begin(), kPlaceNames.end()});
  if (layer.has_domains) {
    object.object("domains", domains_object(layer.domains));
  } else {
    object.null("domains");
  }
  return object.objects("concentrated_words", spread_objects(layer.concentrated))
      .objects("spread_words", spread_objects(layer.spread))
      .objects("experts", objects_of(layer.experts, add_expert))
      .line();
}

}  // namespace switchyard::analysis
