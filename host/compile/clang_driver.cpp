// SPDX-License-Identifier: GPL-2.0-only
// The compiler module: clang as a library, from memory to memory. The only file that knows LLVM; it
// keeps to what the majors 14 to 23 have in common and so needs no conditional compilation.
#include "compile/clang_driver.h"

#include <signal.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <clang/AST/ASTConsumer.h>
#include <clang/AST/ASTContext.h>
#include <clang/AST/Attr.h>
#include <clang/AST/Decl.h>
#include <clang/AST/Expr.h>
#include <clang/AST/Stmt.h>
#include <clang/Basic/FileManager.h>
#include <clang/Basic/TargetInfo.h>
#include <clang/Basic/Version.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/CodeGen/ModuleBuilder.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/FrontendAction.h>
#include <clang/Frontend/MultiplexConsumer.h>
#include <clang/Frontend/PreprocessorOutputOptions.h>
#include <clang/Frontend/TextDiagnosticPrinter.h>
#include <clang/Frontend/Utils.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/Path.h>
#include <llvm/Support/PrettyStackTrace.h>
#include <llvm/Support/Signals.h>
#include <llvm/Support/VirtualFileSystem.h>
#include <llvm/Support/raw_ostream.h>
#include EBS_PASS_PLUGIN_HEADER // it has moved between majors; CMake finds it

// Declared here because the header that does it has moved between majors.
extern "C" {
void LLVMInitializeBPFTargetInfo(void);
void LLVMInitializeBPFTarget(void);
void LLVMInitializeBPFTargetMC(void);
void LLVMInitializeBPFAsmPrinter(void);
void LLVMInitializeBPFAsmParser(void);
}

// Debian's archives of clang ask for this one, and have no Polly. The shared libraries keep to
// their own.
llvm::PassPluginLibraryInfo getPollyPluginInfo()
{
	return { LLVM_PLUGIN_API_VERSION, "Polly", "none", [](llvm::PassBuilder &) {} };
}

namespace
{

using namespace clang;
using llvm::dyn_cast;
using llvm::dyn_cast_or_null;
using llvm::isa;

using Files = llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem>;

// What majors declare differently. Called with a 0 behind the arguments, an int, the first of two
// functions is taken where its return type makes sense, else the second.

template <typename Context> // up to 21
auto typeOf(Context &context, const TagDecl *tag, int) -> decltype(context.getTagDeclType(tag))
{
	return context.getTagDeclType(tag);
}

template <typename Context> QualType typeOf(Context &context, const TagDecl *tag, long)
{
	return context.getCanonicalTagType(tag);
}

template <typename Compiler> // from 22 on, before anything else
auto takeFiles(Compiler &compiler, Files files, int)
	-> decltype(compiler.setVirtualFileSystem(files), void())
{
	compiler.setVirtualFileSystem(files);
}

template <typename Compiler> void takeFiles(Compiler &, Files, long)
{
}

template <typename Compiler> // 20 and 21
auto takeConsumer(Compiler &compiler, Files files, DiagnosticConsumer *owned, int)
	-> decltype(compiler.createDiagnostics(*files, owned, true), void())
{
	compiler.createDiagnostics(*files, owned, true);
}

template <typename Compiler>
void takeConsumer(Compiler &compiler, Files, DiagnosticConsumer *owned, long)
{
	compiler.createDiagnostics(owned, true);
}

template <typename Compiler> // up to 21
auto makeManagers(Compiler &compiler, Files files, int)
	-> decltype(compiler.createFileManager(files), void())
{
	compiler.createFileManager(files);
	compiler.createSourceManager(compiler.getFileManager());
}

template <typename Compiler> void makeManagers(Compiler &compiler, Files, long)
{
	compiler.createFileManager();
	compiler.createSourceManager();
}

template <typename Options> // from 23 on
auto setColour(Options &options, bool on, int)
	-> decltype(options.setShowColors(options.getShowColors()), void())
{
	using Kind = decltype(options.getShowColors());

	options.setShowColors(on ? Kind::On : Kind::Off);
}

template <typename Options> void setColour(Options &options, bool on, long)
{
	options.ShowColors = on;
}

// A pointer up to 20, a reference from 21 on.
struct Options {
	DiagnosticOptions &options;

	operator DiagnosticOptions *() const
	{
		return &options;
	}

	operator DiagnosticOptions &() const
	{
		return options;
	}
};
using llvm::StringRef;

bool inSection(const Decl *declaration, StringRef name)
{
	auto *section = declaration->getAttr<SectionAttr>();

	return section && section->getName() == name;
}

// What `type` points to; null when it is no pointer.
QualType pointee(QualType type)
{
	return type->isPointerType() ? type->getPointeeType() : QualType();
}

// How much a type tells about an event. Bytes is char behind a pointer: so can any memory be seen.
enum Rank { Nothing, Bytes, ByteArray, Scalar, Record };

Rank rank(QualType type)
{
	if (type.isNull() || type->isIncompleteType() || type->isFunctionType() ||
	    type->isVariablyModifiedType())
		return Nothing;
	if (type->isArrayType()) {
		Rank element = rank(QualType(type->getArrayElementTypeNoTypeQual(), 0));
		return element == Bytes ? ByteArray : element;
	}
	if (type->isRecordType())
		return Record;
	return type->isCharType() ? Bytes : Scalar;
}

QualType better(QualType first, QualType second)
{
	return rank(second) > rank(first) ? second : first;
}

// Where the host finds what iterators write.
constexpr const char *records_section = ".ebs.records";
constexpr const char *records_suffix = ".records";

using Maps = std::set<const VarDecl *>;

// What the walk below knows about one value.
struct Value {
	Maps maps;   // it is a pointer to one of these maps
	Maps memory; // it points to the start of memory reserved from one of these
	const VarDecl *variable = nullptr; // it is the address of this variable
	QualType type;                     // what it points to, or what sizeof was taken of
	bool partial = false;              // a size that consists of more than the sizeof

	auto key() const
	{
		return std::make_tuple(maps, memory, variable, type.getAsOpaquePtr(), partial);
	}
	bool operator<(const Value &other) const
	{
		return key() < other.key();
	}

	// Turns into "this one or that one".
	void join(const Value &other)
	{
		maps.insert(other.maps.begin(), other.maps.end());
		memory.insert(other.memory.begin(), other.memory.end());
		if (!variable)
			variable = other.variable;
		type = better(type, other.type);
		partial |= other.partial;
	}
};

// What the walk knows in one call of one function.
struct Frame {
	std::map<const VarDecl *, Value> variables;
	Value result;

	void join(const Frame &other)
	{
		for (auto &[variable, value] : other.variables)
			variables[variable].join(value);
		result.join(other.result);
	}
};

// Finds the types of the events that the C sends through each ring and perf buffer, and of those
// that it takes out of user ring buffers, and hangs them on the map, where the object's BTF tells
// them to the host: the map's member
//
//	int (*type)[BPF_MAP_TYPE_RINGBUF];
// becomes
//	void (*(*type)[BPF_MAP_TYPE_RINGBUF])(struct event *, struct other_event *);
//
// libbpf reads only the array's length. A member whose element is no int already is left alone:
// somebody has said what the events are.
//
// The search is an abstract run of every function, statement by statement. A call of a function
// that has a body runs that body with the values of the arguments, so that a helper that serves two
// maps doesn't mix their types. The rules:
//
//  1. bpf_ringbuf_reserve(): the size decides when it is exactly sizeof(some record). Else each
//     type that the result is cast to counts (assigning a void * is an implicit cast), and if there
//     is none, the sizeof inside the size.
//  2. bpf_ringbuf_output(), bpf_perf_event_output(), bpf_skb_output() and bpf_xdp_output(): what
//     the data is a pointer to, or what the size is the sizeof of, whichever has the higher Rank.
//     At the same rank an exact sizeof wins, as the size is what the reader gets.
//  3. A dynptr stands for the reservation that it was made by: bpf_dynptr_data() returns that
//     memory, bpf_dynptr_write() is an output. Both count at offset 0 only, where an event begins.
//  4. bpf_map_lookup_elem() returns a pointer to the map's value, and stands for the map itself
//     where it is used as one (map in map).
//  5. Pointer arithmetic leaves the start of the memory: casts behind it don't count.
//  6. bpf_user_ringbuf_drain() runs its callback with a dynptr that stands for the map;
//     bpf_dynptr_read() from it, at offset 0, is taken as an output.
//  7. char behind a pointer is the last resort. A map's types are kept in the order of the source.
//
// An outer map with an initialiser is complete before its types are known, and the maps that the
// initialiser names must keep the type that it knows. Their types hang on a variable, see below.
//
// What an iterator writes with bpf_seq_write() has no map to hang on: so each program has a
// variable of its own, with nothing in it,
//
//	void (*program.records)(struct row *, struct other_row *) SEC(".ebs.records");
//
// The types are found as in rule 2, in the program and in all that it calls or hands to helpers as
// a callback. char and arrays of it are text, and no record.
class EventTypes : public ASTConsumer
{
public:
	// Hands declarations that are added to everybody, too.
	void declareTo(ASTConsumer *everybody)
	{
		consumer = everybody;
	}

	bool HandleTopLevelDecl(DeclGroupRef group) override
	{
		for (Decl *declaration : group) {
			auto *function = dyn_cast<FunctionDecl>(declaration);
			if (function && function->isThisDeclarationADefinition())
				functions.push_back(function);
			auto *variable = dyn_cast<VarDecl>(declaration);
			if (variable && variable->hasInit() && inSection(variable, ".maps"))
				outer_maps.push_back(variable);
		}
		return true;
	}

	// A map has no initialiser, so it counts as a tentative definition: clang completes it
	// here, after the last function, and before it makes the map's debug info.
	void CompleteTentativeDefinition(VarDecl *variable) override
	{
		run();

		// An initialiser has the variable's address by now, and its type with it.
		bool is_inner = false;
		for (const VarDecl *outer : outer_maps)
			is_inner |= names(outer->getInit(), variable);
		if (is_inner) {
			inner_maps.push_back(variable);
			return;
		}
		const Types &types = typesOf(variable->getCanonicalDecl());
		if (!types.empty() && variable->getType()->isRecordType())
			hang(types, variable);
	}

	void HandleTranslationUnit(ASTContext &context) override
	{
		run();
		for (const FunctionDecl *function : functions)
			if (function->hasAttr<SectionAttr>())
				declareRecords(function, written(function, context), context);
		for (const VarDecl *outer : outer_maps)
			declareRecords(outer, typesOf(outer->getCanonicalDecl()), context);
		for (const VarDecl *inner : inner_maps)
			declareRecords(inner, sentTo(inner, context), context);
	}

private:
	using Types = std::vector<QualType>;
	using Arguments = std::vector<Value>;

	struct Call {
		Value result;
		Types records; // written to a seq_file
		std::vector<const Call *> callees;
	};

	ASTConsumer *consumer = nullptr;
	std::vector<const FunctionDecl *> functions;
	size_t run_count = 0;                    // of these
	std::vector<const VarDecl *> outer_maps; // those with an initialiser
	std::vector<const VarDecl *> inner_maps; // those that an initialiser names
	Call *current = nullptr;
	std::map<const VarDecl *, Types> certain;
	std::map<const VarDecl *, Types> possible; // for maps that have no certain type
	std::map<const VarDecl *, Maps> dynptrs;   // what the memory of each was reserved from
	std::map<std::pair<const FunctionDecl *, Arguments>, Call> calls; // each is run once

	// Of distinct calls. Programs that the kernel accepts have far fewer.
	static constexpr size_t call_limit = 20000;

	void run()
	{
		for (; run_count < functions.size(); run_count++)
			enter(functions[run_count], {});
	}

	const Types &typesOf(const VarDecl *map)
	{
		return certain.count(map) ? certain[map] : possible[map];
	}

	// Whether the expression has the variable's name somewhere inside.
	static bool names(const Stmt *expression, const VarDecl *variable)
	{
		auto *reference = dyn_cast_or_null<DeclRefExpr>(expression);
		if (reference &&
		    reference->getDecl()->getCanonicalDecl() == variable->getCanonicalDecl())
			return true;
		if (expression)
			for (const Stmt *child : expression->children())
				if (names(child, variable))
					return true;
		return false;
	}

	static void add(Types &types, QualType type, const ASTContext &context)
	{
		for (QualType old : types)
			if (context.hasSameUnqualifiedType(old, type))
				return;
		types.push_back(type.getUnqualifiedType());
	}

	void learn(const Maps &maps, QualType type, bool is_certain)
	{
		if (rank(type) == Nothing)
			return;
		auto &table = is_certain && rank(type) > Bytes ? certain : possible;
		for (const VarDecl *map : maps)
			add(table[map], type, map->getASTContext());
	}

	Value reserve(const Maps &maps, const Value &size)
	{
		bool exact = rank(size.type) == Record && !size.partial;
		Value result;

		learn(maps, size.type, exact);
		result.type = size.type;
		if (!exact)
			result.memory = maps;
		return result;
	}

	static bool sizeDecides(const Value &data, const Value &size)
	{
		int gain = rank(size.type) - rank(data.type);

		return gain > 0 || (gain == 0 && !size.partial);
	}

	void output(const Maps &maps, const Value &data, const Value &size)
	{
		if (sizeDecides(data, size))
			learn(maps, size.type, !size.partial);
		else
			learn(maps, data.type, true);
	}

	void writeRecord(const Value &data, const Value &size, const ASTContext &context)
	{
		QualType type = sizeDecides(data, size) ? size.type : data.type;

		if (current && rank(type) >= Scalar)
			add(current->records, type, context);
	}

	Maps dynptr(const Value &address) const
	{
		auto known = dynptrs.find(address.variable);

		return known == dynptrs.end() ? address.maps : known->second;
	}

	static bool isZero(const Expr *expression, const ASTContext &context)
	{
		Expr::EvalResult result;

		return expression->EvaluateAsInt(result, context) && result.Val.getInt() == 0;
	}

	// The type of the values in the map that `maps` consists of.
	static QualType valueType(const Maps &maps)
	{
		const RecordDecl *record = nullptr;

		if (maps.size() == 1)
			record = (*maps.begin())->getType()->getAsRecordDecl();
		if (record)
			for (const FieldDecl *field : record->fields())
				if (field->getName() == "value")
					return pointee(field->getType());
		return QualType();
	}

	// What the type of an expression alone tells.
	static Value declared(const Expr *expression)
	{
		QualType type = expression->getType();
		Value value;

		value.type = type->isArrayType() ? type : pointee(type);
		return value;
	}

	static const VarDecl *variableOf(const Expr *expression)
	{
		auto *reference = dyn_cast<DeclRefExpr>(expression->IgnoreParenImpCasts());

		return reference ? dyn_cast<VarDecl>(reference->getDecl()) : nullptr;
	}

	// The callback gets a dynptr of each sample, and the context.
	void drain(const Maps &maps, const Expr *callback, const Value &context)
	{
		auto *reference = dyn_cast<DeclRefExpr>(callback->IgnoreParenCasts());
		auto *function = reference ? dyn_cast<FunctionDecl>(reference->getDecl()) : nullptr;
		Value sample;

		sample.maps = maps;
		if (function)
			enter(function, { sample, context });
	}

	// Runs the body with these arguments, once.
	Value enter(const FunctionDecl *function, const Arguments &arguments)
	{
		if (!function->hasBody(function))
			return {};
		auto [call, is_new] = calls.try_emplace({ function, arguments });
		if (current)
			current->callees.push_back(&call->second);
		if (!is_new || calls.size() > call_limit)
			return call->second.result;

		Frame frame;
		Call *caller = std::exchange(current, &call->second);
		for (unsigned i = 0; i < function->getNumParams() && i < arguments.size(); i++)
			frame.variables[function->getParamDecl(i)] = arguments[i];
		walk(function->getBody(), frame);
		current = caller;
		return call->second.result = frame.result;
	}

	void walk(const Stmt *statement, Frame &frame)
	{
		if (auto *expression = dyn_cast_or_null<Expr>(statement))
			evaluate(expression, frame);
		else if (auto *declaration = dyn_cast_or_null<DeclStmt>(statement))
			walkDeclaration(declaration, frame);
		else if (auto *branch = dyn_cast_or_null<IfStmt>(statement))
			walkBranch(branch, frame);
		else if (auto *end = dyn_cast_or_null<ReturnStmt>(statement))
			walkReturn(end, frame);
		else if (statement)
			walkChildren(statement, frame);
	}

	void walkChildren(const Stmt *statement, Frame &frame)
	{
		for (const Stmt *child : statement->children())
			walk(child, frame);
	}

	void walkDeclaration(const DeclStmt *statement, Frame &frame)
	{
		for (const Decl *declaration : statement->decls()) {
			auto *variable = dyn_cast<VarDecl>(declaration);
			if (variable && variable->getInit())
				frame.variables[variable] = evaluate(variable->getInit(), frame);
		}
	}

	void walkReturn(const ReturnStmt *statement, Frame &frame)
	{
		if (statement->getRetValue())
			frame.result.join(evaluate(statement->getRetValue(), frame));
	}

	void walkBranch(const IfStmt *branch, Frame &frame)
	{
		walk(branch->getCond(), frame);
		Frame otherwise = frame;
		walk(branch->getThen(), frame);
		walk(branch->getElse(), otherwise);
		frame.join(otherwise);
	}

	Value evaluate(const Expr *expression, Frame &frame)
	{
		expression = expression->IgnoreParens();
		if (auto *cast = dyn_cast<CastExpr>(expression))
			return evaluateCast(cast, frame);
		if (auto *call = dyn_cast<CallExpr>(expression))
			return evaluateCall(call, frame);
		if (auto *reference = dyn_cast<DeclRefExpr>(expression))
			return evaluateReference(reference, frame);
		if (auto *operation = dyn_cast<UnaryOperator>(expression))
			return evaluateUnary(operation, frame);
		if (auto *operation = dyn_cast<BinaryOperator>(expression))
			return evaluateBinary(operation, frame);
		if (auto *choice = dyn_cast<AbstractConditionalOperator>(expression))
			return evaluateChoice(choice, frame);
		if (auto *block = dyn_cast<StmtExpr>(expression))
			return evaluateBlock(block, frame);
		if (isa<UnaryExprOrTypeTraitExpr>(expression) || isa<OffsetOfExpr>(expression))
			return evaluateSize(expression);
		walkChildren(expression, frame);
		return declared(expression);
	}

	Value evaluateCast(const CastExpr *cast, Frame &frame)
	{
		Value value = evaluate(cast->getSubExpr(), frame);
		QualType target = pointee(cast->getType());

		if (target.isNull() || cast->getCastKind() == CK_ArrayToPointerDecay)
			return value;
		learn(value.memory, target, true);
		int gain = rank(target) - rank(value.type);
		if (gain > 0 || (gain == 0 && isa<ExplicitCastExpr>(cast)))
			value.type = target;
		return value;
	}

	Value evaluateReference(const DeclRefExpr *reference, Frame &frame)
	{
		if (auto *callback = dyn_cast<FunctionDecl>(reference->getDecl()))
			enter(callback, {});
		auto known = frame.variables.find(dyn_cast<VarDecl>(reference->getDecl()));

		if (known == frame.variables.end() || reference->getType()->isArrayType())
			return declared(reference);
		Value value = known->second;
		value.type = better(value.type, declared(reference).type);
		return value;
	}

	Value evaluateUnary(const UnaryOperator *operation, Frame &frame)
	{
		const Expr *operand = operation->getSubExpr()->IgnoreParens();

		if (operation->getOpcode() == UO_AddrOf)
			return evaluateAddress(operand, frame);
		evaluate(operand, frame);
		return declared(operation);
	}

	Value evaluateAddress(const Expr *object, Frame &frame)
	{
		auto *dereference = dyn_cast<UnaryOperator>(object);
		if (dereference && dereference->getOpcode() == UO_Deref)
			return evaluate(dereference->getSubExpr(), frame);

		Value value;
		value.type = object->getType();
		value.variable = variableOf(object);
		if (value.variable && inSection(value.variable, ".maps"))
			value.maps.insert(value.variable->getCanonicalDecl());
		walkChildren(object, frame);
		return value;
	}

	Value evaluateBinary(const BinaryOperator *operation, Frame &frame)
	{
		Value left = evaluate(operation->getLHS(), frame);
		Value right = evaluate(operation->getRHS(), frame);

		if (operation->isAssignmentOp()) {
			if (operation->isCompoundAssignmentOp())
				right = calculate(operation, left, right);
			if (const VarDecl *variable = variableOf(operation->getLHS()))
				frame.variables[variable] = right;
			return right;
		}
		if (operation->getOpcode() == BO_Comma)
			return right;
		if (operation->isComparisonOp() || operation->isLogicalOp())
			return {};
		return calculate(operation, left, right);
	}

	static Value calculate(const Expr *operation, const Value &left, const Value &right)
	{
		if (operation->getType()->isPointerType())
			return declared(operation);

		Value value;
		value.type = better(left.type, right.type);
		value.partial = true;
		return value;
	}

	Value evaluateChoice(const AbstractConditionalOperator *choice, Frame &frame)
	{
		Value value;

		if (auto *elvis = dyn_cast<BinaryConditionalOperator>(choice)) {
			value = evaluate(elvis->getCommon(), frame);
		} else {
			evaluate(choice->getCond(), frame);
			value = evaluate(choice->getTrueExpr(), frame);
		}
		value.join(evaluate(choice->getFalseExpr(), frame));
		return value;
	}

	Value evaluateBlock(const StmtExpr *block, Frame &frame)
	{
		Value last;

		for (const Stmt *statement : block->getSubStmt()->body()) {
			last = {};
			if (auto *expression = dyn_cast<Expr>(statement))
				last = evaluate(expression, frame);
			else
				walk(statement, frame);
		}
		return last;
	}

	// sizeof is all of a size, offsetof is a part of one: what stands before a flexible array.
	static Value evaluateSize(const Expr *expression)
	{
		Value value;

		if (auto *offset = dyn_cast<OffsetOfExpr>(expression)) {
			value.type = offset->getTypeSourceInfo()->getType();
			value.partial = true;
		} else if (auto *trait = dyn_cast<UnaryExprOrTypeTraitExpr>(expression)) {
			if (trait->getKind() == UETT_SizeOf)
				value.type = trait->getTypeOfArgument();
		}
		return value;
	}

	Value evaluateCall(const CallExpr *call, Frame &frame)
	{
		Arguments arguments;
		for (const Expr *argument : call->arguments())
			arguments.push_back(evaluate(argument, frame));

		// libbpf declares the helpers as variables that hold function pointers.
		auto *callee = dyn_cast<DeclRefExpr>(call->getCallee()->IgnoreParenImpCasts());
		if (!callee)
			return declared(call);
		Value result;
		if (!callHelper(callee->getDecl(), call, arguments, result))
			if (auto *function = dyn_cast<FunctionDecl>(callee->getDecl()))
				result = enter(function, arguments);
		result.type = better(result.type, declared(call).type);
		return result;
	}

	static bool isContextOutput(StringRef name)
	{
		return name == "bpf_perf_event_output" || name == "bpf_skb_output" ||
		       name == "bpf_xdp_output";
	}

	// Returns false when `callee` is none of the helpers that matter.
	bool callHelper(const ValueDecl *callee, const CallExpr *call, const Arguments &arguments,
			Value &result)
	{
		StringRef name = callee->getName();
		size_t count = arguments.size();

		if (name == "bpf_ringbuf_reserve" && count == 3) {
			result = reserve(arguments[0].maps, arguments[1]);
		} else if (name == "bpf_ringbuf_output" && count == 4) {
			output(arguments[0].maps, arguments[1], arguments[2]);
		} else if (isContextOutput(name) && count == 5) {
			output(arguments[1].maps, arguments[3], arguments[4]);
		} else if (name == "bpf_map_lookup_elem" && count == 2) {
			result.maps = arguments[0].maps;
			result.type = valueType(result.maps);
		} else if (name == "bpf_ringbuf_reserve_dynptr" && count == 4) {
			reserve(arguments[0].maps, arguments[1]);
			if (arguments[3].variable)
				dynptrs[arguments[3].variable] = arguments[0].maps;
		} else if (name == "bpf_dynptr_data" && count == 3) {
			if (isZero(call->getArg(1), callee->getASTContext()))
				result = reserve(dynptr(arguments[0]), arguments[2]);
		} else if (name == "bpf_dynptr_write" && count == 5) {
			if (isZero(call->getArg(1), callee->getASTContext()))
				output(dynptr(arguments[0]), arguments[2], arguments[3]);
		} else if (name == "bpf_user_ringbuf_drain" && count == 4) {
			drain(arguments[0].maps, call->getArg(1), arguments[2]);
		} else if (name == "bpf_dynptr_read" && count == 5) {
			if (isZero(call->getArg(3), callee->getASTContext()))
				output(dynptr(arguments[2]), arguments[0], arguments[1]);
		} else if (name == "bpf_seq_write" && count == 3) {
			writeRecord(arguments[1], arguments[2], callee->getASTContext());
		} else {
			return false;
		}
		return true;
	}

	// Gives the map a type of its own: other maps may share the one that it has.
	static void hang(const Types &types, VarDecl *map)
	{
		ASTContext &context = map->getASTContext();
		const RecordDecl *old = map->getType()->getAsRecordDecl();
		RecordDecl *record = RecordDecl::Create(context, old->getTagKind(),
							map->getDeclContext(), old->getBeginLoc(),
							old->getLocation(), old->getIdentifier());

		record->startDefinition();
		for (const FieldDecl *field : old->fields()) {
			QualType type = field->getType();
			if (field->getName() == "type")
				type = withEvents(type, types, context);
			FieldDecl *copy = FieldDecl::Create(
				context, record, field->getBeginLoc(), field->getLocation(),
				field->getIdentifier(), type, nullptr, nullptr, false, ICIS_NoInit);
			copy->setAccess(field->getAccess());
			record->addDecl(copy);
		}
		record->setHasFlexibleArrayMember(old->hasFlexibleArrayMember());
		record->completeDefinition();
		map->setType(typeOf(context, record, 0));
	}

	static QualType withEvents(QualType member, const Types &types, ASTContext &context)
	{
		QualType target = pointee(member);
		auto *array = target.isNull() ? nullptr : context.getAsConstantArrayType(target);
		if (!array || !array->getElementType()->isIntegerType())
			return member;

		return context.getPointerType(
			context.getConstantArrayType(prototype(types, context), array->getSize(),
						     nullptr, array->getSizeModifier(), 0));
	}

	// void (*)(struct event *, struct other_event *)
	static QualType prototype(const Types &types, ASTContext &context)
	{
		std::vector<QualType> parameters;

		for (QualType type : types)
			parameters.push_back(context.getPointerType(type));
		return context.getPointerType(context.getFunctionType(
			context.VoidTy, parameters, FunctionProtoType::ExtProtoInfo()));
	}

	static void collect(const Call &call, std::set<const Call *> &seen, Types &types,
			    const ASTContext &context)
	{
		if (!seen.insert(&call).second)
			return;
		for (QualType type : call.records)
			add(types, type, context);
		for (const Call *callee : call.callees)
			collect(*callee, seen, types, context);
	}

	// What a program writes with bpf_seq_write().
	Types written(const FunctionDecl *program, const ASTContext &context)
	{
		std::set<const Call *> seen;
		Types types;

		collect(calls[{ program, {} }], seen, types, context);
		return types;
	}

	// What is sent to a map by its name, and by those outer maps whose initialisers name it.
	Types sentTo(const VarDecl *inner, const ASTContext &context)
	{
		Types types = typesOf(inner->getCanonicalDecl());

		for (const VarDecl *outer : outer_maps)
			if (names(outer->getInit(), inner))
				for (QualType type : typesOf(outer->getCanonicalDecl()))
					add(types, type, context);
		return types;
	}

	// The variable that the types hang on where a map can't carry them.
	void declareRecords(const NamedDecl *owner, const Types &types, ASTContext &context)
	{
		if (types.empty())
			return;
		QualType type = prototype(types, context);
		VarDecl *variable = VarDecl::Create(
			context, context.getTranslationUnitDecl(), owner->getBeginLoc(),
			owner->getLocation(),
			&context.Idents.get((owner->getName() + records_suffix).str()), type,
			context.getTrivialTypeSourceInfo(type), SC_None);
		variable->addAttr(
			SectionAttr::CreateImplicit(context, records_section, SourceRange()));
		consumer->HandleTopLevelDecl(DeclGroupRef(variable));
		consumer->CompleteTentativeDefinition(variable);
	}
};

// Major versions of LLVM that have what older ones lack.
constexpr unsigned major_of_btf = 15; // all of the BTF that Lacks, below, is about
constexpr unsigned major_of_externs =
	19; // extern functions in BTF whatever DWARF there is; 17 and 18 weren't tried
constexpr unsigned major_of_division =
	19; // signed division is an error like others; 17 and 18 weren't tried

// Tells what LLVM 14 would do wrong without a word, or end the process for.
class Lacks : public ASTConsumer
{
public:
	void Initialize(ASTContext &created) override
	{
		context = &created;
	}

	bool HandleTopLevelDecl(DeclGroupRef group) override
	{
		for (Decl *declaration : group) {
			auto *function = dyn_cast<FunctionDecl>(declaration);
			if (function && function->isThisDeclarationADefinition())
				checkCalls(function->getBody());
			else if (auto *variable = dyn_cast<VarDecl>(declaration))
				variables.push_back(variable);
		}
		return true;
	}

	void HandleTagDeclDefinition(TagDecl *tag) override
	{
		auto *record = dyn_cast<RecordDecl>(tag);
		if (record && !context->getSourceManager().isInSystemHeader(tag->getLocation()))
			records.push_back(record);
	}

	// By now the maps have the types of their events.
	void HandleTranslationUnit(ASTContext &) override
	{
		for (const RecordDecl *record : records)
			for (const FieldDecl *field : record->fields())
				checkTag(field);
		for (const VarDecl *variable : variables)
			checkEnums(variable);
	}

private:
	ASTContext *context = nullptr;
	std::vector<const VarDecl *> variables;
	std::vector<const RecordDecl *> records;

	template <unsigned N>
	DiagnosticBuilder report(DiagnosticsEngine::Level level, SourceLocation place,
				 const char (&format)[N])
	{
		DiagnosticsEngine &diagnostics = context->getDiagnostics();

		return diagnostics.Report(place, diagnostics.getCustomDiagID(level, format));
	}

	// BPF_TYPE_MATCHES of bpf_core_read.h.
	static constexpr int type_matches = 2;

	void checkCalls(const Stmt *statement)
	{
		auto *call = dyn_cast_or_null<CallExpr>(statement);
		const FunctionDecl *callee = call ? call->getDirectCallee() : nullptr;
		Expr::EvalResult kind;

		if (callee && callee->getIdentifier() &&
		    callee->getName() == "__builtin_preserve_type_info" &&
		    call->getArg(1)->EvaluateAsInt(kind, *context) &&
		    kind.Val.getInt() == type_matches)
			report(DiagnosticsEngine::Error, call->getBeginLoc(),
			       "LLVM %0 knows no bpf_core_type_matches(); LLVM %1 does")
				<< CLANG_VERSION_MAJOR << major_of_btf;
		if (statement)
			for (const Stmt *child : statement->children())
				checkCalls(child);
	}

	// The tag is lost where a member is a plain pointer to a structure that is known in full.
	void checkTag(const FieldDecl *field)
	{
		QualType target = pointee(context->getBaseElementType(field->getType()));

		if (target.isNull() || target.getCanonicalType().hasQualifiers() ||
		    !target->isRecordType() || target->isIncompleteType() || !isTagged(target))
			return;
		report(DiagnosticsEngine::Warning, field->getLocation(),
		       "LLVM %0 leaves the type tag of %1 out of the BTF, so the kernel sees a "
		       "plain "
		       "pointer; LLVM %2 writes it")
			<< CLANG_VERSION_MAJOR << field << major_of_btf;
	}

	bool isTagged(QualType type)
	{
		while (!isa<TypedefType>(type)) {
			auto *attributed = dyn_cast<AttributedType>(type.getTypePtr());
			if (attributed && attributed->getAttrKind() == attr::BTFTypeTag)
				return true;
			QualType inner = type.getSingleStepDesugaredType(*context);
			if (inner == type)
				return false;
			type = inner;
		}
		return false;
	}

	void checkEnums(const VarDecl *variable)
	{
		const EnumDecl *found = nullptr;

		if (inSection(variable, ".maps") && variable->getType()->isRecordType()) {
			// A member stands for a type by being a pointer to it; to the type of an
			// event it takes three.
			for (auto *field : variable->getType()->getAsRecordDecl()->fields())
				if (!found)
					found = wideEnum(field->getType(), 3);
		} else {
			// To the type of a record it takes two pointers.
			found = wideEnum(variable->getType(),
					 inSection(variable, records_section) ? 2 : 0);
		}
		if (!found)
			return;
		report(DiagnosticsEngine::Error, variable->getLocation(),
		       "LLVM %0 cannot write %1 into the BTF of %2, as its values need 64 bits; "
		       "LLVM %3 can")
			<< CLANG_VERSION_MAJOR << typeOf(*context, found, 0) << variable
			<< major_of_btf;
		report(DiagnosticsEngine::Note, found->getLocation(), "its values are here");
	}

	// An enum in this type that needs more than 32 bits; goes through so many pointers.
	static const EnumDecl *wideEnum(QualType type, int pointers)
	{
		if (type->isArrayType())
			return wideEnum(QualType(type->getArrayElementTypeNoTypeQual(), 0),
					pointers);
		if (type->isPointerType())
			return pointers ? wideEnum(type->getPointeeType(), pointers - 1) : nullptr;
		if (auto *function = type->getAs<FunctionProtoType>()) {
			for (QualType parameter : function->param_types())
				if (auto *found = wideEnum(parameter, pointers))
					return found;
		} else if (auto *record = type->getAsRecordDecl()) {
			for (const FieldDecl *field : record->fields())
				if (auto *found = wideEnum(field->getType(), 0))
					return found;
		} else if (auto *enumeration = type->getAs<EnumType>()) {
			return isWide(enumeration->getDecl()) ? enumeration->getDecl() : nullptr;
		}
		return nullptr;
	}

	static bool isWide(const EnumDecl *enumeration)
	{
		bool is_signed = true, is_unsigned = true;

		for (const EnumConstantDecl *constant : enumeration->enumerators()) {
			is_signed &= constant->getInitVal().isSignedIntN(32);
			is_unsigned &= constant->getInitVal().isIntN(32);
		}
		return !is_signed && !is_unsigned;
	}
};

// Passes what clang's front end finds to all consumers, up to the first error. What follows an
// error may be half a declaration, of which the code generator would make crashes.
class UntilError : public MultiplexConsumer
{
	template <typename T> static T parameterOf(void (ASTConsumer::*)(T));
	// Majors differ in it.
	using Declaration = decltype(parameterOf(&ASTConsumer::CompleteExternalDeclaration));

public:
	UntilError(std::vector<std::unique_ptr<ASTConsumer>> all, DiagnosticsEngine &engine)
	    : MultiplexConsumer(std::move(all)), diagnostics(engine)
	{
	}

	bool HandleTopLevelDecl(DeclGroupRef group) override
	{
		return failed() || MultiplexConsumer::HandleTopLevelDecl(group);
	}

	void HandleInterestingDecl(DeclGroupRef group) override
	{
		if (!failed())
			MultiplexConsumer::HandleInterestingDecl(group);
	}

	void HandleTagDeclDefinition(TagDecl *tag) override
	{
		if (!failed())
			MultiplexConsumer::HandleTagDeclDefinition(tag);
	}

	void HandleTagDeclRequiredDefinition(const TagDecl *tag) override
	{
		if (!failed())
			MultiplexConsumer::HandleTagDeclRequiredDefinition(tag);
	}

	void CompleteTentativeDefinition(VarDecl *variable) override
	{
		if (!failed())
			MultiplexConsumer::CompleteTentativeDefinition(variable);
	}

	void CompleteExternalDeclaration(Declaration declaration) override
	{
		if (!failed())
			MultiplexConsumer::CompleteExternalDeclaration(declaration);
	}

	void HandleTranslationUnit(ASTContext &context) override
	{
		if (!failed())
			MultiplexConsumer::HandleTranslationUnit(context);
	}

private:
	DiagnosticsEngine &diagnostics;

	bool failed() const
	{
		return diagnostics.hasErrorOccurred();
	}
};

// Compiles to an object with BTF, and changes two things about the module between front end and
// optimiser: there is no DWARF, and there is a licence.
class Emit : public EmitObjAction
{
public:
	explicit Emit(llvm::LLVMContext *context) : EmitObjAction(context)
	{
	}

protected:
	std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &compiler,
						       StringRef file) override
	{
		auto generator = EmitObjAction::CreateASTConsumer(compiler, file);
		if (!generator)
			return nullptr;
		std::vector<std::unique_ptr<ASTConsumer>> consumers;
		auto types = std::make_unique<EventTypes>();
		EventTypes *events = types.get();
		consumers.push_back(std::move(types));
		if (CLANG_VERSION_MAJOR < major_of_btf)
			consumers.push_back(std::make_unique<Lacks>());
		consumers.push_back(std::make_unique<Finish>(*this));
		consumers.push_back(std::move(generator));
		auto all = std::make_unique<UntilError>(std::move(consumers),
							compiler.getDiagnostics());
		events->declareTo(all.get());
		return all;
	}

private:
	class Finish : public ASTConsumer
	{
	public:
		explicit Finish(Emit &emit) : action(emit)
		{
		}

		bool HandleTopLevelDecl(DeclGroupRef group) override
		{
			for (Decl *declaration : group)
				has_licence |= isa<VarDecl>(declaration) &&
					       inSection(declaration, "license");
			return true;
		}

		void HandleTranslationUnit(ASTContext &) override
		{
			CodeGenerator *generator = action.getCodeGenerator();
			llvm::Module *module = generator ? generator->GetModule() : nullptr;
			if (!module)
				return;
			// With this flag, and no "Dwarf Version", the code generator makes no
			// DWARF. BTF is made by a part of its own that asks for neither.
			module->addModuleFlag(llvm::Module::Warning, "CodeView", 1);
			// The front end adds the version that compile() gave it behind this one;
			// the first counts.
			module->addModuleFlag(llvm::Module::Warning, "Dwarf Version", 0U);
			if (!has_licence)
				addLicence(*module);
			// libbpf before 1.2 doesn't know it. Where the kernel has links for these,
			// the host makes one for either name.
			for (llvm::GlobalVariable &variable : module->globals())
				if (variable.getSection() == ".struct_ops.link")
					variable.setSection(".struct_ops");
		}

	private:
		Emit &action;
		bool has_licence = false;

		// libbpf reads the section; it needs neither a symbol nor BTF.
		static void addLicence(llvm::Module &module)
		{
			auto *text = llvm::ConstantDataArray::getString(module.getContext(), "GPL");
			auto *licence = new llvm::GlobalVariable(module, text->getType(), false,
								 llvm::GlobalValue::ExternalLinkage,
								 text, "_license");
			licence->setSection("license");
			licence->setAlignment(llvm::Align(1));
		}
	};
};

// The file system, without the files that one in memory hides (a vmlinux.h that lies beside a
// script is of another kernel), and without those that the host doesn't trust.
class Disk : public llvm::vfs::ProxyFileSystem
{
public:
	explicit Disk(const ebs_clang_job &job)
	    : ProxyFileSystem(llvm::vfs::getRealFileSystem()), job(job)
	{
		for (size_t i = 0; i < job.file_count; i++)
			if (job.files[i].hides_others)
				hidden.insert(llvm::sys::path::filename(job.files[i].path).str());
	}

	llvm::ErrorOr<llvm::vfs::Status> status(const llvm::Twine &path) override
	{
		if (isHidden(path))
			return std::make_error_code(std::errc::no_such_file_or_directory);
		auto found = ProxyFileSystem::status(path);
		if (found && !found->isDirectory() &&
		    !job.filter(job.filter_context, path.str().c_str()))
			return std::make_error_code(std::errc::no_such_file_or_directory);
		return found;
	}

	llvm::ErrorOr<std::unique_ptr<llvm::vfs::File>>
	openFileForRead(const llvm::Twine &path) override
	{
		// The host is asked first: opening a FIFO would wait for its writer.
		if (isHidden(path) || !job.filter(job.filter_context, path.str().c_str()))
			return std::make_error_code(std::errc::no_such_file_or_directory);
		return ProxyFileSystem::openFileForRead(path);
	}

private:
	const ebs_clang_job &job;
	std::set<std::string> hidden;

	bool isHidden(const llvm::Twine &path) const
	{
		return hidden.count(llvm::sys::path::filename(path.str()).str()) != 0;
	}
};

Files fileSystem(const ebs_clang_job &job)
{
	llvm::IntrusiveRefCntPtr<llvm::vfs::OverlayFileSystem> all(
		new llvm::vfs::OverlayFileSystem(new Disk(job)));
	llvm::IntrusiveRefCntPtr<llvm::vfs::InMemoryFileSystem> memory(
		new llvm::vfs::InMemoryFileSystem);

	// First, as this tells it the working directory, which relative paths need.
	all->pushOverlay(memory);
	for (size_t i = 0; i < job.file_count; i++) {
		const ebs_clang_file &file = job.files[i];
		StringRef data(file.data, file.size);
		memory->addFile(file.path, 0,
				llvm::MemoryBuffer::getMemBufferCopy(data, file.path));
	}
	return all;
}

// Hands messages over as they are made, so that a process that dies has told what it knew.
// clang's printer flushes behind each message.
class Messages : public llvm::raw_ostream
{
public:
	Messages(ebs_clang_sink *function, void *argument) : sink(function), context(argument)
	{
	}

	~Messages() override
	{
		flush();
	}

private:
	ebs_clang_sink *sink;
	void *context;
	uint64_t position = 0;

	void write_impl(const char *data, size_t size) override
	{
		sink(context, data, size);
		position += size;
	}

	uint64_t current_pos() const override
	{
		return position;
	}
};

// The back end tells of a stack that is too large once for each instruction that uses it.
class Printer : public TextDiagnosticPrinter
{
	llvm::SmallString<256> last;
	SourceLocation lastPlace;
	bool repeated = false;

public:
	Printer(llvm::raw_ostream &messages, Options options)
	    : TextDiagnosticPrinter(messages, options)
	{
	}

	void HandleDiagnostic(DiagnosticsEngine::Level level, const Diagnostic &diagnostic) override
	{
		llvm::SmallString<256> text;

		if (level != DiagnosticsEngine::Note) {
			diagnostic.FormatDiagnostic(text);
			repeated = text == last && diagnostic.getLocation() == lastPlace;
			last = text;
			lastPlace = diagnostic.getLocation();
		}
		if (!repeated) // notes belong to what they follow
			TextDiagnosticPrinter::HandleDiagnostic(level, diagnostic);
	}
};

void reportTo(llvm::raw_ostream &messages, CompilerInstance &compiler, Files files)
{
	Options options{ compiler.getDiagnosticOpts() };

	takeConsumer(compiler, files, new Printer(messages, options), 0);
}

void onCrash(int number)
{
	llvm::sys::RunSignalHandlers();
	raise(number); // SA_RESETHAND: now it ends the process
}

// A crash says on standard error in which declaration it came. LLVM would take every signal that
// may end a process, and not always pass it on.
void sayWhereItCrashed()
{
	struct sigaction crash = {}, standard = {};

	llvm::EnablePrettyStackTrace();
	crash.sa_handler = onCrash;
	crash.sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESETHAND;
	standard.sa_handler = SIG_DFL;
	for (int number = 1; number < SIGRTMIN; number++)
		sigaction(number, &standard, nullptr);
	for (int number : { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP })
		sigaction(number, &crash, nullptr);
}

// Runs the action over the job's C; what it makes goes to `out`.
bool execute(const ebs_clang_job &job, FrontendAction &action, llvm::SmallVectorImpl<char> &out,
	     llvm::raw_ostream &messages)
{
	CompilerInstance compiler;
	std::vector<const char *> arguments;

	for (const char *const *argument = job.arguments; *argument; argument++)
		arguments.push_back(*argument);
	Files files = fileSystem(job);
	takeFiles(compiler, files, 0);
	reportTo(messages, compiler, files);
	if (!CompilerInvocation::CreateFromArgs(compiler.getInvocation(), arguments,
						compiler.getDiagnostics()))
		return false;

	// Where a major takes the declarations of extern functions (__ksym) for something that only
	// debuggers of DWARF 5 want, they would be missing in BTF otherwise.
	if (CLANG_VERSION_MAJOR < major_of_externs)
		compiler.getCodeGenOpts().DwarfVersion = 5;
	setColour(compiler.getDiagnosticOpts(), job.colour, 0);
	reportTo(messages, compiler, files); // once more: now the options about warnings are known
	compiler.setVerboseOutputStream(llvm::nulls()); // "2 errors generated."
	makeManagers(compiler, files, 0);
	compiler.setOutputStream(std::make_unique<llvm::raw_svector_ostream>(out));
	return compiler.ExecuteAction(action);
}

// Leaves what the preprocessor makes of the C, in the form of clang -E -dD.
class Preprocess : public PreprocessorFrontendAction
{
public:
	explicit Preprocess(llvm::raw_ostream &out) : stream(out)
	{
	}

protected:
	void ExecuteAction() override
	{
		PreprocessorOutputOptions options;

		options.ShowCPP = true;
		options.ShowMacros = true;
		options.ShowLineMarkers = true;
		DoPrintPreprocessedInput(getCompilerInstance().getPreprocessor(), &stream, options);
	}

private:
	llvm::raw_ostream &stream;
};

bool knowsCpu(StringRef name)
{
	CompilerInstance compiler;

	Files files = llvm::vfs::getRealFileSystem();
	takeFiles(compiler, files, 0);
	reportTo(llvm::nulls(), compiler, files);
	compiler.getTargetOpts().Triple = "bpf";
	return compiler.createTarget() && compiler.getTarget().isValidCPUName(name);
}

// The compiler's name and, a line each, what newer ones have and this one hasn't.
std::string describe()
{
	std::string text = getClangFullVersion();

	if (!knowsCpu("v4"))
		text += "\n  lacks CPU level v4";
	if (CLANG_VERSION_MAJOR < major_of_btf)
		text += "\n  lacks 64-bit enums in BTF: an error where a map, an event or a global "
			"variable has one"
			"\n  lacks type tags on a structure's pointers to structures: a warning, "
			"as "
			"the kernel won't see them"
			"\n  lacks bpf_core_type_matches(): an error";
	if (CLANG_VERSION_MAJOR < major_of_division)
		text += "\n  lacks messages for some errors, such as a signed division: they end "
			"the compiler, and its last words are told";
	return text;
}

} // namespace

bool ebs_clang_compile(const ebs_clang_job *job, ebs_clang_sink *object, ebs_clang_sink *messages,
		       void *context)
{
	LLVMInitializeBPFTargetInfo();
	LLVMInitializeBPFTarget();
	LLVMInitializeBPFTargetMC();
	LLVMInitializeBPFAsmPrinter();
	LLVMInitializeBPFAsmParser(); // without it, inline assembly ends the process
	sayWhereItCrashed();

	llvm::SmallVector<char, 0> elf;
	Messages stream(messages, context);
	stream.enable_colors(job->colour);
	llvm::LLVMContext llvm_context;
	Emit action(&llvm_context);
	bool compiled = execute(*job, action, elf, stream);

	if (compiled) // after an error in the back end there are bytes too, but no object
		object(context, elf.data(), elf.size());
	return compiled;
}

bool ebs_clang_preprocess(const ebs_clang_job *job, ebs_clang_sink *text, void *context)
{
	llvm::SmallVector<char, 0> unused, result;
	llvm::raw_svector_ostream stream(result);
	Preprocess action(stream);

	LLVMInitializeBPFTargetInfo();
	execute(*job, action, unused, llvm::nulls());
	text(context, result.data(), result.size());
	return !result.empty();
}

const char *ebs_clang_version(void)
{
	static const std::string version = describe();

	return version.c_str();
}
