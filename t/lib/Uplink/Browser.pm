package Uplink::Browser;

# A real browser: Debian's Chromium, driven by playwright-core (npm).
#
#   use Uplink::Browser;             # skips the whole test without a browser
#
#   my $b = Uplink::Browser->new;
#   my $page = $b->page("http://127.0.0.1:$port/console/", phone => 1,
#       dark => 1);                  # a context of its own: cookies, storage
#   $page->wait('text=Connected');   # until it is seen; (selector, state)
#   $page->click('role=button[name="Approve"]');
#   $page->fill('#token', 'secret'); $page->press('j');
#   $page->type('ls');               # to whatever has the focus
#   is($page->text('.card'), …);     # of the first; texts: of all
#   is($page->count('.card'), 1);
#   $page->wait_text('.card', 'delivered');    # until it contains that
#   $page->eval('document.title');   # in the page, with arg: ('…', {…})
#   $page->run('await page.goBack(); return page.url()', $arg);
#                                    # in node, with playwright's page
#   $page->axe('decisions');         # test: nothing serious
#   $page->shot('decisions-phone-dark');       # build/shots/….png
#   $page->close;
#   $b->finish;                      # test: no complaints, see driver.mjs
#
# Selectors are playwright's: CSS, text=…, role=…[name="…"], and ">>".
# Waiting ends after ten seconds, with death.
#
# Environment: UPLINK_CHROMIUM is the binary.

use strict;
use warnings;

use Carp qw(croak);
use Fcntl qw(:flock);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IPC::Open2;
use JSON::PP;
use POSIX ();
use Test::More ();

use Uplink::Test;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $root = $Uplink::Test::root;
my $build = $ENV{BUILD} // "$root/build";
$build = "$root/$build" unless $build =~ m{^/};

my $owner = $$;
my %alive;

END {
    if ($$ == $owner) {
        my $status = $?;
        kill KILL => $_ for keys %alive;
        waitpid $_, 0 for keys %alive;
        $? = $status;
    }
}

sub import {
    my $problem = missing();

    Test::More::plan(skip_all => $problem) if $problem;
    return;
}

sub build_dir { $build }

# why there is no browser here, or nothing

sub missing {
    chromium() or return 'needs chromium';
    my $modules = modules('browser') or return 'npm cannot install playwright';

    return $modules =~ m{^/} ? undef : $modules;
}

sub chromium {
    for my $path ($ENV{UPLINK_CHROMIUM} // (), map { "$_/chromium" }
        split /:/, $ENV{PATH})
    {
        return $path if -x $path;
    }

    return;
}

# modules(NAME): the folder in which the lock file of t/NAME or src/NAME is
# installed, once for each build folder and lock file; else why it is not

sub modules {
    my ($name) = @_;

    my ($source) = grep { -e "$_/package-lock.json" }
        "$root/t/$name", "$root/src/$name";
    my $dir = "$build/npm-$name";

    return 'needs node and npm'
        if system('node --version > /dev/null 2>&1 && npm --version'
            . ' > /dev/null 2>&1');

    make_path($dir);
    open my $lock, '>', "$dir/lock" or die "$dir: $!";
    flock $lock, LOCK_EX;

    if (system("cmp -s $source/package-lock.json $dir/installed")) {
        system("cp $source/package.json $source/package-lock.json"
            . " $source/.npmrc $dir/ && cd $dir && npm ci --silent > log 2>&1"
            . ' < /dev/null && cp package-lock.json installed') == 0
            or return "npm cannot install what $name needs, see $dir/log";
    }

    return $dir;
}

sub new {
    my ($class) = @_;

    my $dir = modules('browser');
    my $home = tempdir('chromium-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);

    # Chromium writes its lock files and caches where HOME says

    local $ENV{HOME} = $home;
    local $ENV{NODE_PATH};
    delete $ENV{NODE_PATH};

    my $pid = open2(my $out, my $in, 'node', "$root/t/browser/driver.mjs",
        $dir, chromium(), $home);

    $alive{$pid} = 1;
    $in->autoflush(1);

    return bless { pid => $pid, in => $in, out => $out, pages => 0 }, $class;
}

sub command {
    my ($self, $command, %arg) = @_;

    print {$self->{in}} $json->encode({ command => $command, %arg }), "\n";

    my $line = readline $self->{out};
    croak 'the browser is gone' if !defined $line;

    my $answer = $json->decode($line);
    croak "$command: $answer->{error}" if defined $answer->{error};

    return $answer->{result};
}

sub page {
    my ($self, $url, %arg) = @_;

    my $id = ++$self->{pages};
    my $phone = $arg{phone};

    $self->command('page', id => $id, url => $url,
        width => $phone ? 390 : 1280, height => $phone ? 800 : 860, %arg);

    return bless { browser => $self, id => $id }, 'Uplink::Browser::Page';
}

# every page is left, and may still say goodbye

sub leave { $_[0]->command('leave'); return }

# what the pages have complained of, since the last call

sub complaints { return @{$_[0]->command('complaints')} }

sub finish {
    my ($self) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $self->leave;

    my @said = $self->complaints;
    Test::More::is(scalar @said, 0, 'no page complained')
        or Test::More::diag(join "\n", @said);

    close $self->{in};
    waitpid $self->{pid}, 0;
    Test::More::is($?, 0, 'the browser ended');
    delete $alive{$self->{pid}};

    return;
}

package Uplink::Browser::Page;

use strict;
use warnings;

sub run {
    my ($self, $code, $arg) = @_;

    return $self->{browser}->command('run', id => $self->{id},
        code => $code, arg => $arg);
}

sub eval {
    my ($self, $code, $arg) = @_;

    return $self->run("return await page.evaluate((arg) => { return $code },"
        . ' arg)', $arg);
}

# playwright's locator methods on the first that matches

sub locator {
    my ($self, $method, $selector, @arg) = @_;

    return $self->run('return await page.locator(arg.selector).first()'
        . '[arg.method](...arg.arg)', { method => $method,
        selector => $selector, arg => \@arg });
}

sub click { my ($self, @arg) = @_; $self->locator('click', @arg); return }
sub fill { my ($self, @arg) = @_; $self->locator('fill', @arg); return }
sub text { my ($self, @arg) = @_; return $self->locator('innerText', @arg) }
sub value { my ($self, @arg) = @_; return $self->locator('inputValue', @arg) }

sub attribute {
    my ($self, $selector, $name) = @_;

    return $self->locator('getAttribute', $selector, $name);
}

sub texts {
    my ($self, $selector) = @_;

    return @{$self->run('return await page.locator(arg).allInnerTexts()',
        $selector)};
}

sub count {
    my ($self, $selector) = @_;

    return $self->run('return await page.locator(arg).count()', $selector);
}

sub wait {
    my ($self, $selector, $state) = @_;

    $self->locator('waitFor', $selector, { state => $state // 'visible' });
    return;
}

sub wait_text {
    my ($self, $selector, $text) = @_;

    $self->run('await page.locator(arg.selector).filter({ hasText: arg.text })'
        . '.first().waitFor()', { selector => $selector, text => $text });
    return;
}

# until an expression is true in the page

sub until {
    my ($self, $code, $arg) = @_;

    $self->run("await page.waitForFunction((arg) => ($code), arg)", $arg);
    return 1;
}

sub press {
    my ($self, @keys) = @_;

    $self->run('for (const key of arg) await page.keyboard.press(key)',
        \@keys);
    return;
}

sub type {
    my ($self, $text) = @_;

    $self->run('await page.keyboard.type(arg)', $text);
    return;
}

sub reload {
    my ($self) = @_;

    $self->run('await page.reload()');
    return;
}

sub axe {
    my ($self, $what, $options) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $found = $self->{browser}->command('axe', id => $self->{id},
        options => $options);

    Test::More::is(scalar @$found, 0, "accessible: $what")
        or Test::More::diag(map { join "\n  ", "$_->{rule}: $_->{help}",
            @{$_->{nodes}} } @$found);

    return;
}

sub shot {
    my ($self, $name, %arg) = @_;

    my $dir = Uplink::Browser::build_dir() . '/shots';

    File::Path::make_path($dir);
    $self->{browser}->command('shot', id => $self->{id},
        path => "$dir/$name.png", %arg);

    return;
}

sub close {
    my ($self) = @_;

    $self->{browser}->command('close', id => $self->{id});
    return;
}

1;
