#include "trainer/component_states.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "tensor/tensor.h"

namespace switchyard::trainer {

namespace {

using tensor::Tensor;

std::string tensor_name(const std::string& component) {
  return "components/" + component;
}

}  // namespace

ComponentStates ComponentStates::saved_by(const std::vector<core::OpaqueState*>& components) {
  ComponentStates states;
  for (const core::OpaqueState* component : components) {
    const std::vector<uint8_t> bytes = component->save();
    const auto count = static_cast<int64_t>(bytes.size());
    states.records_.push_back({.name = component->name(), .version = component->version()});
    if (count > 0) {
      states.tensors_.push_back({.name = tensor_name(component->name()),
                                 .tensor = Tensor::from<uint8_t>({count}, bytes)});
    }
  }
  return states;
}

ComponentStates ComponentStates::to_read(std::vector<ComponentRecord> records,
                                         std::span<const checkpoint::TensorEntry> entries) {
  ComponentStates states;
  for (const ComponentRecord& record : records) {
    const std::string name = tensor_name(record.name);
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const auto& one) { return one.name == name; });
    if (entry != entries.end()) {
      const std::vector<uint8_t> zeros(static_cast<size_t>(entry->shape.count()));
      states.tensors_.push_back(
          {.name = name, .tensor = Tensor::from<uint8_t>(entry->shape, zeros)});
    }
  }
  states.records_ = std::move(records);
  return states;
}

std::span<const uint8_t> ComponentStates::bytes_of(const std::string& name) const {
  for (const checkpoint::NamedTensor& named : tensors_) {
    if (named.name == tensor_name(name)) {
      return {named.tensor.data<uint8_t>(), static_cast<size_t>(named.tensor.count())};
    }
  }
  return {};
}

std::vector<std::string> ComponentStates::load_into(
    const std::vector<core::OpaqueState*>& components) const {
  std::vector<std::string> without_record;
  for (const ComponentRecord& record : records_) {
    core::require(std::any_of(components.begin(), components.end(),
                              [&](const auto* c) { return c->name() == record.name; }),
                  "the checkpoint holds what '{}' keeps outside of tensors, today's plugin there "
                  "keeps nothing: use the plugin that the run began with",
                  record.name);
  }
  for (core::OpaqueState* component : components) {
    const auto record =
        std::find_if(records_.begin(), records_.end(),
                     [&](const ComponentRecord& r) { return r.name == component->name(); });
    if (record == records_.end()) {
      without_record.push_back(component->name());
    } else {
      component->load(bytes_of(record->name), record->version);
    }
  }
  return without_record;
}

}  // namespace switchyard::trainer
