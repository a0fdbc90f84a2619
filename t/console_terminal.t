#!/usr/bin/perl

# The console's view Terminal in a real browser, on shells of a real sled.
#
# not with sanitizers: it is about the page

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Browser;
use Uplink::Daemon;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC', workers => 2)->run;
    uplink_zone main 8m;
    uplink_request_memory 1s;
    uplink_resume_window 1s;
    uplink_auth off;
    uplink_terminal_linger 20s;
    uplink_drain_timeout 2s;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
        location /console/ { uplink_console main; }

        location ~ ^/ws/issues/(?<issue>[^/]+)/terminal$ {
            uplink_terminal main issue=$issue workspace=$arg_workspace_id;
        }
    }
EOC

my $url = 'http://127.0.0.1:' . $t->port;
my $evil = '<img src=x onerror=alert(1)>';

my $sled = Uplink::Daemon->new(gateway => 'ws://127.0.0.1:' . $t->port
    . '/sled', id => 'alpha', env => { PS1 => '$ ' });
my $dir = $sled->dir;

mkdir "$dir/work" or die;

$sled->run('--workspace', 'w', '--shell', '/bin/sh',
    '--task', "issue=i1,dir=$dir/work,title=Fix the parser",
    '--task', "task=t2,issue=$evil,dir=$dir/work,title=$evil");
$sled->wait_log(qr/registered/);

my $browser = Uplink::Browser->new;
my $page = $browser->page("$url/console/#/terminal");

# what a person has on the screen, and types

sub screen {
    my ($on) = @_;

    return join "\n", map { s/\s+$//r } ($on // $page)->texts(
        '.xterm-rows > div');
}

sub sees {
    my ($text, $name, $on) = @_;

    my $found = eval {
        ($on // $page)->until('document.querySelector(".xterm-rows")'
            . '.textContent.replaceAll("\u00a0", " ").includes(arg)', $text)
    };

    ok($found, $name // "sees $text") or diag(screen($on));
    return $found;
}

sub types {
    my ($text, $on) = @_;

    ($on // $page)->click('.xterm-screen');
    ($on // $page)->type($text);
    ($on // $page)->press('Enter');
}

# all there is in the scrollback, by way of the clipboard

sub everything {
    my ($on) = @_;

    $on //= $page;
    $on->click('.xterm-screen');
    $on->press('Control+Shift+A', 'Control+Shift+C');
    $on->wait_text('.note', 'Copied');

    return $on->run('return await page.evaluate(() => '
        . 'navigator.clipboard.readText())');
}

# ---- where a shell can be had

$page->wait_text('.place', 'i1 on alpha in w');
$page->wait_text('.place', 'Fix the parser');
is($page->count(".place:has-text('$evil')"), 1, 'a hostile name is text');
is($page->count('img'), 0, 'and no element');
$page->axe('where a shell can be had');
$page->shot('terminal-open-desktop-light');

$page->fill('.opening-head input', 'parser');
is($page->count('.place'), 1, 'filtered');
$page->click('.place button');

# ---- a shell

$page->wait('.chip[data-state=open]');
types('echo typed-$((20 + 3))');
sees('typed-23', 'what is typed comes back');

my ($cols, $rows) = @{$page->eval('[document.querySelector(".xterm-rows")'
    . '.children.length]')};
types('stty size');
my ($size) = $page->run('const m = await page.waitForFunction(() => '
    . '/(\d+ \d+)/.exec(document.querySelector(".xterm-rows").innerText'
    . '.split("stty size")[1] ?? "")?.[1]); return await m.jsonValue()');
is((split / /, $size)[0], $cols, 'as many lines as there are to see');

$page->run('await page.setViewportSize({ width: 900, height: 500 })');
$page->until('document.querySelector(".xterm-rows").children.length < arg',
    $cols);
types('clear; stty size');
$page->until('new RegExp(`^ *${document.querySelector(".xterm-rows").children'
    . '.length} [0-9]+`, "m").test(document.querySelector(".xterm-rows")'
    . '.innerText)');
pass('resized');
$page->run('await page.setViewportSize({ width: 1280, height: 860 })');

# ---- what a shell says is never more than text

types("clear; printf '\\033]2;$evil\\007'; echo told-\$((1+1))");
sees('told-2');
$page->wait_text('.shell-about h2', $evil);
like($page->eval('document.title'), qr/\Q$evil\E/, 'a title is text');
is($page->count('img'), 0, 'and no element');

types("clear; printf '\\033]52;c;aGVsbG8gd29ybGQ=\\007'");
$page->wait_text('.note', 'Copied');
is($page->run('return await page.evaluate(() => '
    . 'navigator.clipboard.readText())'), 'hello world', 'OSC 52 copies');

types("clear; stty -echo; printf '\\033]52;c;?\\007'; "
    . 'sleep 0.3; stty echo; echo asked');
$page->wait_text('.note', 'never given');
sees('asked');
unlike(screen(), qr/\]52|aGVsb/, 'and does not read');

types("clear; printf '\\033]8;;javascript:document.title=1\\007trap"
    . "\\033]8;;\\007 $url/status\\n'");
sees('trap');
my $popup = $page->run(<<'EOJ', "$url/status");
    const row = page.locator('.xterm-rows > div', { hasText: /^trap/ }).first();
    const box = await row.boundingBox();
    const cell = box.width / await page.evaluate(() => {
        const rows = document.querySelector('.xterm-rows');
        const span = rows.querySelector('span');
        return rows.clientWidth / 8;
    });
    await page.mouse.move(box.x + 12, box.y + 5);
    await sleep(100);
    await page.mouse.click(box.x + 12, box.y + 5);
    const [popup] = await Promise.all([
        page.context().waitForEvent('page'),
        (async () => {
            await page.mouse.move(box.x + 90, box.y + 5);
            await sleep(100);
            await page.mouse.click(box.x + 90, box.y + 5);
        })(),
    ]);
    await popup.waitForLoadState();
    const url = popup.url();
    await popup.close();
    return url;
EOJ
is($popup, "$url/status", 'a link is followed');
isnt($page->eval('document.title'), '1', 'a script is not');

# ---- searching, and the scrollback

types('clear; seq 1 500; echo needle-$((1 + 1)); seq 1 200; '
    . 'echo counted-$((1 + 1))');
sees('counted-2');
$page->press('Control+Shift+F');
$page->fill('.finder input', 'needle-2');
$page->wait_text('.found', '1 of 1');
sees('needle-2', 'found in the scrollback');
$page->fill('.finder input', 'no such thing');
$page->wait_text('.found', 'Not found');
$page->press('Escape');
like(everything(), qr/\n498\n499\n500\nneedle-2\n1\n2\n/, 'all of it is kept');

# ---- beside it, what its task asks

sub asks {
    my ($command, $issue) = @_;

    return $t->http(POST => '/v1/permissions?wait=0', json => {
        sled => 'alpha', tool_name => 'Bash',
        tool_input => { command => $command }, workspace_id => 'w',
        issue_id => $issue })->json->{req_id};
}

asks('make install', 'i1');
$page->wait_text('.beside .card', 'make install');
like($page->text('.shell-tools .badge'), qr/^1/, 'a request, and counted');
my $other = asks('ls', 'i9');
types('clear; ls -la /etc | head -20; echo shown-$((1+1))');
sees('shown-2');
is($page->count('.beside .card'), 1, 'one of another issue is not there');
$t->http(POST => "/v1/requests/$other/decision", json => { approved => \0 });
$page->axe('a shell');
$page->click('.beside >> role=button[name="Approve"]');

# ---- one who only looks

my $viewer = $browser->page("$url/console/#/terminal", dark => 1);
$viewer->wait('.place.running button');
$viewer->click('.place.running button');
$viewer->wait_text('.chip', 'Read-only');
sees('shown-2', 'a viewer sees what there is', $viewer);
types('echo viewer-typed', $viewer);
types('clear; echo driver-$((1 + 1))');
sees('driver-2', 'and what comes', $viewer);
unlike(screen($viewer), qr/viewer-typed/, 'but does not type');
is($viewer->count('text=End shell >> visible=true'), 0, 'nor end it');

# ---- who has scrolled back stays there, until something is typed

types('clear; seq 1 300; sleep 0.7; seq 1 50; echo later-$((1 + 1))');
sees('299');
$page->run('await page.mouse.wheel(0, -1500)');
sees('later-2', 'it goes on', $viewer);
$page->run('await sleep(100)');
unlike(screen(), qr/later-2/, 'but not under the eyes of who has scrolled');
$page->press('Enter');
sees('later-2', 'typing brings it back');

$page->wait_text('.beside .card', 'Approved by you');
pass('decided beside the shell');

# ---- reloads of nginx, while the shell writes and while it is typed into

types('clear; i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo "line $i"; '
    . '[ $((i % 40)) = 0 ] && sleep 0.03; done; echo written-$((1 + 1))');
sees('line 40');
$t->reload(wait => 'new');
sees('written-2', 'it goes on in other workers');
my @lines = everything() =~ /^line (\d+)$/mg;
is("@lines", "@{[1 .. 4000]}", 'each line once, in order');

types('clear; stty -echo; cat > typed; stty echo; echo kept-$((1 + 1))');
$page->run('await sleep(300)');

my $text = join '', map { sprintf "%04d ", $_ } 1 .. 60;

$page->run('globalThis.typing = page.keyboard.type(arg, { delay: 8 })', $text);
$t->reload(wait => 'new');
$page->run('await globalThis.typing');
$page->press('Enter', 'Control+d');
sees('kept-2', 'typed into two generations of workers');
is($sled->slurp("$dir/work/typed"), "$text\n", 'each byte once, in order');

# ---- the page, loaded again

types("clear; printf '\\033[c\\033[6n'; MARK=mine-\$\$; sleep 0.2; echo; "
    . "echo asked-\$((1+1))");
sees('asked-2');
$page->press('Control+c');
types('echo before-$((1 + 1))');
sees('before-2');
$page->reload;
$page->wait('.chip[data-state=open]');
sees('before-2', 'what was there is there again');
types('clear; echo $MARK');
sees('mine-', 'it is the same shell');
unlike(screen(), qr/1;2c|\d+R/, 'no question is answered twice');
sees('mine-', 'the viewer saw it, too', $viewer)
    or diag($viewer->text('.bar'), $viewer->text('.pane'));

# ---- told where it happens

types('seq 3; exit 3', $page);
sees('The shell has ended (exited, code 3)', 'the end');
$page->wait('.strip [data-state=ended]');
$page->click('role=button[name="New shell"]');
$page->wait('.chip[data-state=open]');
types('echo anew-$((1 + 1))');
sees('anew-2', 'another one');

$sled->kill_hard;
$page->wait_text('.banner', 'The sled has lost its connection');
$page->shot('terminal-away-desktop-light');
sees('The sled is lost, and the shell with it.', 'a sled that is lost');

$browser->finish;
$t->finish;

done_testing;
