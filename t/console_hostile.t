#!/usr/bin/perl

# Nothing that comes from outside is ever HTML, a link, a style or a script;
# nothing in it is hidden, and it cannot pass for something of the page.
#
# not with sanitizers: it is about the page

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Console;

my $t = Uplink::Console->new;

$t->console('uplink_resume_window 10ms;')->run;

my $page = $t->open;

$page->eval('window.harmed = 0');

my @bad = (
    '<img src=x onerror="window.harmed=1">',
    '<script>window.harmed=2</script>',
    '"><svg/onload=window.harmed=3>',
    "'; window.harmed=4; '",
    '<a href="javascript:window.harmed=5" id=bait>click</a>',
    '</pre></article><h1>Approved</h1><style>*{display:none}</style>',
    '{{constructor.constructor("window.harmed=6")()}}',
    '${window.harmed=7}',
    'javascript:window.harmed=8',
    "\x{1b}]0;title\x{07}\x{1b}[2J",
);

my $sled = $t->sled('alpha');
my $n = 0;
my $before = $page->count('img, svg, style, script, iframe, h1, [id=bait]');

for my $bad (@bad) {
    $n++;
    $sled->send_json({ type => 'perm_request', req_id => "r$n", payload => {
        tool_name => $bad, description => $bad, workspace_id => $bad,
        issue_id => $bad, task_id => $bad, $bad => $bad,
        tool_input => { command => $bad, file_path => $bad,
            old_string => $bad, new_string => "$bad!", $bad => $bad,
            deep => { $bad => [$bad, "$bad\n\n" . $bad x 9] }, url => $bad,
            patch => "--- $bad\n+$bad" } } });
    $sled->send_json({ type => 'ask', req_id => "q$n", payload => {
        task_id => $bad, question => { text => $bad, $bad => $bad,
            options => [$bad, { label => $bad, value => $bad }] } } });
}

$page->until('document.querySelectorAll(".card").length === arg', 2 * @bad);

is($page->count('img, svg, style, script, iframe, h1, [id=bait]'), $before,
    'no element has come of it');
is($page->count('.card a[href]:not([href^="#/"])'), 0, 'and no link');
is($page->eval('window.harmed'), 0, 'nothing was run');

my ($text) = $page->texts(
    '.card[data-kind="perm_request"]:has-text("onerror") h3');
like($text, qr/^\Q$bad[0]\E/, 'it is there, as text');

# a link to a terminal has it in its address, as a value

for my $href (@{$page->eval('[...document.querySelectorAll(".card a")]
    .map((a) => a.getAttribute("href"))')})
{
    like($href, qr{^#/terminal\?[\w%&=+.*-]+$}, 'an address of the page');
}

$page->run('for (const item of await page.locator(".rest summary").all())
    await item.click()');
$page->axe('hostile');

# ---- nothing is hidden

$sled->ask('h1', { command => "echo \x{202e}gnp.exe\x{2066} \x{200b}x"
    . "\x{feff}\x{e0041}\x{ad} \x{07}y", note => "a\x{0}b\tc" });
my $card = $t->card($page, 'echo');

is($page->text("$card .command code"), 'echo U+202Egnp.exeU+2066 U+200BxU+FEFF'
    . 'U+E0041U+00AD U+0007y', 'what would not be seen is');
is($page->text("$card .values dd"), "aU+0000b\tc", 'in values as well');

# names: one line, whatever

$sled->send_json({ type => 'perm_request', req_id => 'h2', payload => {
    tool_name => "Read\nApproved by you", tool_input => { a => 1 } } });
$card = $t->card($page, 'Read');
is($page->text("$card h3"), 'ReadU+000AApproved by you from alpha',
    'a name has one line');

# what is no object, and names of things every object has

for my $input ('text', 17, [1, { a => 2 }], undef,
    { __proto__ => 1, constructor => 'c', toString => 't' })
{
    $n++;
    $sled->send_json({ type => 'perm_request', req_id => "s$n", payload => {
        tool_name => "Shape $n", tool_input => $input } })
        if defined $input;
    $t->card($page, "Shape $n") if defined $input;
}

$card = $t->card($page, "Shape $n");
is_deeply([sort $page->texts("$card .values dt")],
    [qw(__proto__ constructor toString)], 'all of it is shown');

# a title of the page is of the page

like($page->eval('document.title'), qr/^\(\d+\) Decisions \x{2013} main$/,
    'the title');

# ---- as deep and as long as it may be

my $deep = {};
my $at = $deep;
$at = $at->{d} = {} for 1 .. 20;
$sled->ask('deep', { command => "long\n" x 8000, deep => $deep });
$card = $t->card($page, 'long');
cmp_ok($page->eval('document.querySelector("[data-state] .command")
    .getBoundingClientRect().height'), '<', 600, 'it does not push all away');

$sled->close;
$t->wait_for(sub { !$t->status->{requests}{pending} });
$t->finish(leaves => 'requests are remembered');

done_testing;
