#!/usr/bin/perl

# docs/protocol.md, docs/terminals.md and docs/api.md against the code: every
# message, feature, state, error code, close code and call stands in exactly
# one table of the pages, and nothing else does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Docs;

my $docs = Uplink::Docs->new;
my $page = 'docs/protocol.md';

# the two lists are the same, and nothing is in the pages twice

sub same {
    my ($written, $coded, $name) = @_;

    my %seen;

    cmp_ok(scalar @$coded, '>', 2, "$name: the code has some");
    is($docs->missing($coded, $written), '', "$name: all are documented");
    is($docs->missing($written, $coded), '', "$name: and nothing else");
    is(join(' ', grep { $seen{$_}++ } @$written), '', "$name: each once");
    return;
}

# the table behind a heading whose first column begins with this word

sub rows {
    my ($heading, $first, $file) = @_;

    my ($part) = $docs->text($file // $page)
        =~ /^#+ \Q$heading\E\n(.*?)(?=^## |\z)/ms or die "$heading?";
    my ($table) = $part =~ /^(\| \Q$first\E \|.*?)\n(?!\|)/ms
        or die "$heading has no table of $first";

    return $docs->names($docs->cells($table, 0));
}

# ---- messages that are received

my @sled = $docs->table('src/door/sled.c', 'ngx_uplink_sled_types')
    =~ /ngx_string\("([\w.]+)"\)/g;
my @operator = $docs->table('src/door/operator_message.c',
    'ngx_uplink_console_types') =~ /ngx_string\("([\w.]+)"\)/g;
my @browser = ($docs->table('src/door/terminal_message.c',
    'ngx_uplink_browser_types') =~ /ngx_string\("([\w.]+)"\)/g);
my $terminals = 'docs/terminals.md';

same([$docs->names($docs->column($page, 'What a sled says'))], \@sled,
    'from sleds');
same([rows('What an operator says', 'type')], \@operator, 'from operators');
same([rows('Messages', 'to the gateway', $terminals)], \@browser,
    'from browsers');

# ---- messages that are sent: the type is a constant where one is begun, or
# comes from one of these tables

my @kinds = $docs->table('src/fleet/names.c', 'ngx_uplink_kinds')
    =~ /"(\w+)"/g;
my @replies = ('spawn_ack', $docs->table('src/door/view.c',
    'ngx_uplink_view_replies') =~ /"(\w+)"/g);
my @errands = $docs->table('src/door/sled_errand.c', 'ngx_uplink_errands')
    =~ /"([\w.]+)"/g;

# first words of the name of the function that begins it, per party

sub begun {
    my ($file, $by) = @_;

    my $text = $docs->sources(map { s{^\Q$Uplink::Docs::root\E/}{}r }
        glob "$Uplink::Docs::root/src/door/$file");

    return $text =~ /\b(?:$by)\(\s*[^;"]*?,\s*(?:\w+ \? )?"([\w.]+)"/g;
}

my @to_sled = (begun('sled*.c',
    'ngx_uplink_sled_answer|ngx_uplink_message_enveloped'),
    @errands, @replies, 'registered');
my @to_operator = (begun('operator*.c',
    'ngx_uplink_console_begin|ngx_uplink_message_flat'), @kinds,
    'request_state');
my @to_browser = begun('terminal*.c',
    'ngx_uplink_browser_send|ngx_uplink_message_enveloped');

# data of terminals is written by its own code

like($docs->sources('src/door/stream.h', 'src/door/terminal_data.c',
    'src/wire/data.c', 'src/door/sled_typed.c'), qr/terminal\.data/,
    'terminal.data is written');
push @to_sled, 'terminal.data';
push @to_browser, 'terminal.data';

same([$docs->names($docs->column($page, 'What a sled is told'))], \@to_sled,
    'to sleds');
same([rows('What an operator is told', 'type')], \@to_operator,
    'to operators');
same([rows('Messages', 'from the gateway', $terminals)], \@to_browser,
    'to browsers');

# ---- members that are read, or written by their name

my $all = join '', map { $docs->text($_) } $page, $terminals, 'docs/api.md';

for (
    ['src/door/sled_register.c', 'ngx_uplink_sled_register_names'],
    ['src/door/sled_register.c', 'ngx_uplink_sled_identity_names'],
    ['src/door/sled_request.c', 'ngx_uplink_sled_request_names'],
    ['src/door/sled_terminal.c', 'ngx_uplink_sled_says_names'],
    ['src/door/sled_terminal.c', 'ngx_uplink_sled_own_members'],
    ['src/door/sled_errand.c', 'ngx_uplink_errand_fields'],
    ['src/door/answer.c', 'ngx_uplink_answer_perm_names'],
    ['src/door/view.c', 'ngx_uplink_view_own'],
    ['src/door/api_sessions.c', 'ngx_uplink_create_names'],
    ['src/door/api_terminals.c', 'ngx_uplink_terminal_names'],
    ['src/door/terminal_query.c', 'ngx_uplink_browser_params'],
    ['src/fleet/task.c', 'ngx_uplink_task_fields'],
) {
    my ($file, $name) = @$_;
    my @members = $docs->table($file, $name) =~ /"(\w+)"/g;

    ok(scalar @members, "$name has members");
    is(join(' ', grep { $all !~ /\b$_\b/ } @members), '',
        "$name: all are documented");
}

# ---- features, states

same([rows('Getting in', 'feature')],
    [$docs->table('src/door/sled_register.c', 'ngx_uplink_sled_feature_names')
        =~ /ngx_string\("([\w.]+)"\)/g], 'features');
same([rows('What an operator is told', 'state')],
    [$docs->table('src/fleet/names.c', 'ngx_uplink_states') =~ /"(\w+)"/g],
    'states');

# ---- close codes

same([$docs->column($page, 'Close codes')],
    [$docs->text('src/ws/conn.h')
        =~ /^#define NGX_UPLINK_CLOSE_\w+\s+([0-9]{4})\b/mg], 'close codes');

# ---- error codes over a WebSocket

my $word = qr/"([a-z]+(?:_[a-z0-9]+)*)"/;
my $door = $docs->sources('src/door');
my $fleet = $docs->sources('src/fleet');

my @codes = (
    $docs->table('src/door/sled_register.c', 'ngx_uplink_sled_refusals')
        =~ /\{ $word/g,
    $docs->table('src/door/sled_request.c', 'ngx_uplink_sled_outcomes')
        =~ /_\w+, $word/g,
    $docs->table('src/door/answer.c', 'ngx_uplink_answer_faults')
        =~ /NGX_HTTP_\w+, $word/g,
    $docs->table('src/door/tasks.c', 'ngx_uplink_tasks_results') =~ /$word/g,
    $docs->table('src/fleet/names.c', 'ngx_uplink_reasons') =~ /$word/g,
    $docs->text('src/door/answer.c')
        =~ /NGX_HTTP_\w+, $word, message \}|_fault_t +\w+ = \{\s+\w+, $word/g,
    $docs->text('src/door/operator_message.c')
        =~ /_fault_t +\w+ = \{\s+\w+, $word/g,
    $docs->text('src/door/tasks.c') =~ /(?:return|\?) $word(?: : NULL)?;/g,
    $door =~ /ngx_uplink_sled_error\([^;"]*?$word/g,
    (map { $docs->text($_) =~ /out_text\([^;"]*"code", $word/g }
        qw(src/door/sled_answer.c src/door/sled_request.c
        src/door/operator_message.c)),
    $door =~ /\.code = $word/g,
    $door =~ /NGX_UPLINK_REASON_\w+, $word/g,
);

my @failures = (
    $docs->table('src/door/terminal.c', 'ngx_uplink_visit_refusals')
        =~ /\{ $word/g,
    $docs->table('src/door/terminal_tell.c', 'ngx_uplink_browser_closes')
        =~ /\{ $word/g,
    $docs->text('src/door/terminal_resolve.c')
        =~ /(?:return|: |\? NULL :) $word;/g,
    $door =~ /ngx_uplink_browser_(?:fail|error)\([^;"]*?$word/g,
    $door =~ /ngx_uplink_terminal_fail\([^;"]*?$word/g,
    $fleet =~ /NGX_UPLINK_TELL_ERROR, 0,\s+$word/g,
);

# a reason to close, which the socket that it is about never reads as a code

my %not = map { $_ => 1 } qw(replaced);

same([$docs->names($docs->column($page, 'Codes'))],
    [grep { defined && !$not{$_} } @codes], 'codes');

# what a sled says is passed on, and documented as well

same([$docs->names($docs->column($terminals, 'Codes of terminal.error'))],
    [@failures, 'unsupported_os', 'spawn_failed'], 'codes of terminals');

# ---- error codes over HTTP

my @http = (
    $door =~ /ngx_uplink_reply_(?:error|unauthorized)\([^;"]*?$word/g,
    $door =~ /ngx_uplink_(?:sled_reply|console_refuse|browser_refuse)
              \([^;"]*?$word/gx,
    $docs->text('src/ws/handshake.c')
        =~ /ngx_uplink_ws_refusal\(\w+, $word/g,
    $docs->table('src/door/answer.c', 'ngx_uplink_answer_faults')
        =~ /NGX_HTTP_\w+, $word/g,
    $docs->text('src/door/answer.c') =~ /NGX_HTTP_\w+, $word, message \}/g,
    $docs->text('src/door/api_requests.c') =~ /NGX_HTTP_\w+, $word,/g,
    'contradictory',
);

# unknown_req, bad_request and their like have more than one status

my %statuses;
$statuses{$_} = 1 for $docs->names($docs->column('docs/api.md', 'Errors', 1));

same([keys %statuses], [grep { !$not{$_} } @http], 'codes over HTTP');

# ---- calls and their roles

my %alias = $docs->text('src/door/api.c')
    =~ /define (NGX_UPLINK_ROLES_\w+)\s+\\\n\s+\(([\w|]+)\)/g;
my $routes = $docs->table('src/door/api.c', 'ngx_uplink_routes');
my (%coded, %written);

while ($routes =~ /\{ \s NGX_HTTP_(\w+), \s "([^"]+)",
                   \s+([\w|]+), \s NGX_UPLINK_SESSION_(\w+)/gx)
{
    my ($method, $path, $roles, $session) = ($1, $2, $3, $4);

    $path =~ s{^(operators|sleds)/:}{$1/:sid} if $path =~ m{^operators};
    $path =~ s{/:(?=/|$)}{/:id};
    $roles = $alias{$roles} // $roles;

    $coded{"$method $path"} = join ' ',
        ($roles eq '0' ? 'none' : $roles =~ /ROLE_ANY/ ? 'any'
            : sort map { lc } $roles =~ /ROLE_(\w+)/g),
        { NONE => 'no', OWN => 'its own', ANY => 'yes' }->{$session};
}

my @first = $docs->column('docs/api.md', 'Calls', 0);
my @roles = $docs->column('docs/api.md', 'Calls', 1);
my @sessions = $docs->column('docs/api.md', 'Calls', 2);

for my $i (0 .. $#first) {
    my $before = '';

    for my $call ($docs->names($first[$i])) {
        $call =~ s{^…}{$before};
        ($before) = $call =~ m{^(.*)/};

        my @names = $docs->names($roles[$i]);

        $written{$call} = join ' ', (@names ? sort @names : $roles[$i]),
            $sessions[$i];
    }
}

is_deeply(\%written, \%coded, 'every call, and whose it is');

# ---- the examples are quoted as they are, and short

my ($sled, $decide) = map { $docs->text("docs/examples/$_") }
    qw(sled.py decide.mjs);

like($docs->text($page), qr/^```python\n\Q$sled\E```\n/m, 'sled.py is quoted');
like($docs->text($page), qr/^```javascript\n\Q$decide\E```\n/m,
    'decide.mjs is quoted');

for my $name (qw(sled.py sled.mjs decide.py decide.mjs)) {
    cmp_ok($docs->text("docs/examples/$name") =~ tr/\n//, '<=', 60,
        "$name has 60 lines at most");
}

done_testing;
